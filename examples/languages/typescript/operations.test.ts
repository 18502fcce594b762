/** The four operations. */
import { describe } from "vitest";
import { test } from "./fixtures.js";
import { OtpService, Refused } from "./otp-service.js";

describe.concurrent("the service", () => {
  test("verifies an OTP by SMS once", async ({ user, service, expect }) => {
    await service.sendSms();
    const sms = await user.nextSms();
    expect(sms!.user).toBe(user.name);
    expect(await service.verify(sms!.otp)).toBeTruthy();
    await expect(service.verify(sms!.otp)).rejects.toMatchObject({ name: "Refused", status: 400 });
    await user.verify(
      { outcome: "sms_sent" },
      { outcome: "verified_by_sms" },
      { outcome: "refused", status: 400 },
    );
  });

  test("verifies a code of an app", async ({ emulator }) => {
    const ann = await emulator.addUser({ two_factor: "app" });
    await new OtpService(emulator.url, ann.token).verify(await ann.appCode());
    await ann.verify({ outcome: "verified_by_app" });
    await ann.remove();
  });

  test("takes a recovery code once in place of an OTP", async ({ user, service, expect }) => {
    const codes = await service.recoveryCodes();
    expect(codes).toHaveLength(10);
    await service.verify(codes[0]!);
    expect(await service.recoveryCodes()).toEqual(codes.slice(1));
    await user.verify({ outcome: "codes_read", count: 2 }, { outcome: "verified_by_recovery_code" });
  });

  test("replaces the recovery codes", async ({ service, expect }) => {
    const old = await service.recoveryCodes();
    const fresh = await service.newRecoveryCodes();
    expect(old.filter((code) => fresh.includes(code))).toEqual([]);
    await expect(service.verify(old[0]!)).rejects.toThrow(Refused);
    await service.verify(fresh[0]!);
  });

  test("gives back the values that a test chose", async ({ user, service, expect }) => {
    await user.choose({ otp: "123456", session_token: "a-session-of-typescript" });
    await service.sendSms();
    expect((await user.nextSms())!.otp).toBe("123456");
    expect(await service.verify("123456")).toBe("a-session-of-typescript");
    await user.choose({ recovery_codes: ["aaaaa-1", "bbbbb-2"] });
    expect(await service.newRecoveryCodes()).toEqual(["aaaaa-1", "bbbbb-2"]);
  });

  test("locks a user out after five wrong OTPs", async ({ emulator, user, service, expect }) => {
    for (let wrong = 0; wrong < 6; wrong++) {
      await expect(service.verify("000000x")).rejects.toThrow(Refused);
    }
    expect((await emulator.users()).find((one) => one.name === user.name)!.locked_out).toBe(true);
    await user.reset();
    await service.sendSms();
    await service.verify((await user.nextSms())!.otp);
  });

  test("sends no SMS to a user without two-factor authentication", async ({ emulator, expect }) => {
    const off = await emulator.addUser({ two_factor: "off" });
    const call = new OtpService(emulator.url, off.token).sendSms();
    await expect(call).rejects.toMatchObject({ name: "Refused", status: 422 });
    expect(await off.nextSms(0)).toBeUndefined();
    await off.remove();
  });
});
