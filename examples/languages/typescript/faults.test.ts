/** Every fault, and what a program should do about it. Each is armed for the user of its test only. */
import { describe, type ExpectStatic } from "vitest";
import { test } from "./fixtures.js";
import type { User } from "./otp-emulator.js";
import { OtpService, Refused, Unknown } from "./otp-service.js";

type Test = (user: User, service: OtpService, expect: ExpectStatic) => Promise<void>;

/** The SMS was sent: look at the phone before you ask again. */
const lostSms: Test = async (user, service, expect) => {
  await expect(service.sendSms()).rejects.toThrow(Unknown);
  await service.verify((await user.nextSms())!.otp);
  await user.verify(
    { outcome: "sms_sent" },
    { outcome: "struck", fault: "lost-sms" },
    { outcome: "verified_by_sms" },
  );
};

/** The OTP is used up, so a second failure proves nothing: ask for a new one. */
const lostVerify: Test = async (user, service, expect) => {
  await service.sendSms();
  const { otp } = (await user.nextSms())!;
  await expect(service.verify(otp)).rejects.toThrow(Unknown);
  await expect(service.verify(otp)).rejects.toThrow(Refused);
  await service.sendSms();
  await service.verify((await user.nextSms())!.otp);
};

/** Read the codes and compare. */
const lostRegenerate: Test = async (_user, service, expect) => {
  const old = await service.recoveryCodes();
  await expect(service.newRecoveryCodes()).rejects.toThrow(Unknown);
  expect(await service.recoveryCodes()).not.toEqual(old);
};

const lostReply: Test = async (user, service, expect) => {
  await expect(service.recoveryCodes()).rejects.toThrow(Unknown);
  await user.verify({ outcome: "codes_read" }, { outcome: "struck", fault: "lost-reply" });
};

const cutReply: Test = async (_user, service, expect) => {
  await expect(service.recoveryCodes()).rejects.toThrow(Unknown);
  expect(await service.recoveryCodes()).toHaveLength(10);
};

/** The service did not act. Over HTTP/1.1 the client cannot know that. */
const notSent: Test = async (user, service, expect) => {
  await expect(service.sendSms()).rejects.toThrow(Unknown);
  expect(await user.nextSms(0)).toBeUndefined();
  await service.sendSms();
  expect(await user.nextSms()).toBeDefined();
};

const unavailable: Test = async (user, service, expect) => {
  await expect(service.sendSms()).rejects.toThrow("status 503");
  await expect(service.sendSms()).rejects.toThrow("status 503");
  await service.sendSms();
  expect(await user.sms()).toHaveLength(1);
};

const status: Test = async (user, service, expect) => {
  await expect(service.sendSms()).rejects.toMatchObject({ name: "Refused", status: 429 });
  await service.sendSms();
  expect(await user.sms()).toHaveLength(1);
};

const slow: Test = async (_user, service, expect) => {
  const started = performance.now();
  await service.sendSms();
  expect(performance.now() - started).toBeGreaterThanOrEqual(299);
};

/** A page with 200 is not a login. */
const captivePortal: Test = async (user, service, expect) => {
  await expect(service.verify("123456")).rejects.toThrow("status 200");
  await expect(service.recoveryCodes()).rejects.toThrow(Unknown);
  await user.reset();
  await service.sendSms();
};

const sunset: Test = async (_user, service, expect) => {
  expect(await service.announcedEnd()).toBe("Tue, 30 Jun 2026 23:59:59 GMT");
};

/** Each fault, and the test for it. */
const FAULTS: Record<string, Test> = {
  "lost-sms": lostSms,
  "lost-verify": lostVerify,
  "lost-regenerate": lostRegenerate,
  "cut-regenerate": lostRegenerate,
  "lost-reply": lostReply,
  "cut-reply": cutReply,
  "lost-request": notSent,
  "stale-connection": notSent,
  "refused-connection": notSent,
  "unavailable=2": unavailable,
  "status=429": status,
  "slow=0.3": slow,
  "captive-portal": captivePortal,
  sunset,
};

describe.concurrent("faults", () => {
  for (const [fault, strikes] of Object.entries(FAULTS)) {
    test(fault, async ({ user, service, expect }) => {
      await user.arm(fault);
      await strikes(user, service, expect);
    });
  }

  test("are all tested", async ({ emulator, expect }) => {
    const names = (faults: string[]) => faults.map((fault) => fault.split("=")[0]).sort();
    const { known } = await emulator.faults();
    expect(names(Object.keys(FAULTS))).toEqual(names(known.map(({ fault }) => fault)));
  });

  test("of an answer that is too late leave the outcome unknown", async ({ emulator, user, expect }) => {
    await user.arm("slow=2");
    const impatient = new OtpService(emulator.url, user.token, 300);
    await expect(impatient.sendSms()).rejects.toThrow(Unknown);
    expect(await user.nextSms(), "the service acted at once").toBeDefined();
  });

  test("can be narrowed to an operation and a number", async ({ user, service, expect }) => {
    await user.arm("status=500", { operation: "find_recovery_codes", times: 2 });
    await service.sendSms();
    await expect(service.recoveryCodes()).rejects.toThrow("status 500");
    await expect(service.recoveryCodes()).rejects.toThrow("status 500");
    await service.recoveryCodes();
  });

  test("of one user do not strike another", async ({ emulator, service, expect }) => {
    const other = await emulator.addUser();
    await other.arm("captive-portal");
    await service.sendSms();
    await expect(new OtpService(emulator.url, other.token).sendSms()).rejects.toThrow(Unknown);
    await other.remove();
  });
});
