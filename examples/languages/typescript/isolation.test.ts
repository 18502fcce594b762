/** Reset between tests, and tests at the same time. */
import { beforeEach, describe, expect } from "vitest";
import { test } from "./fixtures.js";
import { Emulator } from "./otp-emulator.js";

// An emulator for this file alone. It is plain, since the workers trust the CA of the shared one.
describe.skipIf(process.env.EMULATOR_ADMIN_URL)("an emulator of its own", () => {
  let own: Emulator;
  // Vitest runs the tests of a file one after the other, so each can begin at the start.
  beforeEach(async () => {
    own ??= await Emulator.start(["--plain", "--standing-clock"], { program: process.env.EMULATOR_PROGRAM });
    await own.reset();
    return () => undefined;
  });

  for (const run of [1, 2]) {
    test(`is as at the start in test ${run}`, async () => {
      expect(await own.users()).toHaveLength(1);
      expect(await own.journal()).toEqual([]);
      expect((await own.faults()).armed).toEqual([]);
      await own.addUser({ name: "bob" });
      await own.arm("status=500", { operation: "receive_codes" });
      await own.advance(60);
    });
  }

  test("is closed", async () => {
    await own.close();
    await expect(own.users()).rejects.toThrow("fetch failed");
  });
});

describe.concurrent("tests at the same time", () => {
  for (let number = 0; number < 8; number++) {
    test(`do not meet: ${number}`, async ({ user, service, expect }) => {
      expect(await user.journal()).toEqual([]);
      await user.choose({ otp: `90000${number}` });
      await service.sendSms();
      expect((await user.nextSms())!.otp).toBe(`90000${number}`);
      await service.verify(`90000${number}`);
      await user.verify({ outcome: "sms_sent" }, { outcome: "verified_by_sms" });
    });
  }

  test("can reset their own user", async ({ user, service, expect }) => {
    const codes = await service.recoveryCodes();
    await service.verify(codes[0]!);
    await user.arm("lost-sms");
    await user.reset();
    expect(await service.recoveryCodes()).toEqual(codes);
    await service.sendSms();
    await user.verify({ outcome: "codes_read" }, { outcome: "sms_sent" });
  });

  test("learn what happened in place of what they expected", async ({ user, service, expect }) => {
    await service.sendSms();
    await expect(user.verify({ outcome: "codes_regenerated" })).rejects.toThrow("SMS sent");
  });

  test("learn that a field is misspelt", async ({ emulator, expect }) => {
    const misspelt = { nmae: "bob" } as object;
    await expect(emulator.addUser(misspelt)).rejects.toMatchObject({ status: 400 });
  });
});
