/** The fixtures: one emulator for all tests, and one user for each test. */
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
  // A user of this test only, so tests can run in parallel.
  user: async ({ emulator }, use) => {
    const user = await emulator.addUser();
    await use(user);
    await user.remove();
  },
  service: async ({ emulator, user }, use) => {
    await use(new OtpService(emulator.url, user.token));
  },
});
