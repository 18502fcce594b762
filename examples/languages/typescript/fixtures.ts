/** The fixtures: the emulator that all tests share, and a user of its own for each test. */
import { inject, test as base } from "vitest";
import { Emulator, type User } from "./otp-emulator.js";
import { OtpService } from "./otp-service.js";

interface Fixtures {
  emulator: Emulator;
  user: User;
  service: OtpService;
}

export const test = base.extend<Fixtures>({
  emulator: [
    async ({}, use) => {
      const adminToken = process.env.OTP_EMULATOR_ADMIN_TOKEN;
      await use(await Emulator.at(inject("adminUrl"), { adminToken }));
    },
    { scope: "file" },
  ],
  // No other test has this user, so tests can run at the same time.
  user: async ({ emulator }, use) => {
    const user = await emulator.addUser();
    await use(user);
    await user.remove();
  },
  service: async ({ emulator, user }, use) => {
    await use(new OtpService(emulator.url, user.token));
  },
});
