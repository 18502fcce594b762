/** Reset between tests, and tests at the same time. */
import { afterAll, beforeAll, beforeEach, describe, expect } from "vitest";
import { test } from "./fixtures.js";
import { Emulator } from "./otp-emulator.js";
import { OtpService } from "./otp-service.js";

// An emulator for this file only. It has no TLS, since this process trusts the CA of the shared one.
describe.skipIf(process.env.EMULATOR_ADMIN_URL)("with its own emulator", () => {
  let own: Emulator;
  beforeAll(async () => {
    own = await Emulator.start(["--plain", "--standing-clock"], { program: process.env.EMULATOR_PROGRAM });
  });
  afterAll(() => own.close());
  beforeEach(() => own.reset());

  for (const run of ["first", "second"]) {
    test(`the ${run} test finds everything as at the start`, async () => {
      expect(await own.users()).toHaveLength(1);
      expect(await own.journal()).toEqual([]);
      expect((await own.faults()).armed).toEqual([]);
      await own.addUser({ name: "bob" });
      await own.arm("status=500", { operation: "receive_codes" });
      await own.advance(60);
    });
  }

  test("an OTP is too late after its lifetime", async () => {
    const user = await own.addUser();
    const service = new OtpService(own.url, user.token);
    await service.sendSms();
    const { otp } = (await user.nextSms())!;
    await own.advance(301);
    await expect(service.verify(otp)).rejects.toMatchObject({ name: "Refused", status: 400 });
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
