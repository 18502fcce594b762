/**
 * The code under test: a client of the OTP service, with `fetch`. It does not depend on the emulator. In your suite,
 * replace it by your own program.
 */

/** The service answered and did not act. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(`${status}: ${message}`);
    this.name = "Refused";
  }
}

/** It is unknown whether the service acted: the answer was lost, late or from something else. */
export class Unknown extends Error {
  override name = "Unknown";
}

export class OtpService {
  constructor(
    private readonly url: string,
    private readonly token: string,
    private readonly timeout = 5000,
  ) {}

  async sendSms(): Promise<void> {
    await this.#call("POST", "/user/otp/sms/receive", 204);
  }

  /** Verifies an OTP, a code of an app or a recovery code. Gives the token of the session, if there is one. */
  async verify(otp: string): Promise<string | null> {
    const { headers } = await this.#call("POST", `/user/otp/verify/${encodeURIComponent(otp)}`, 204);
    return headers.get("x-auth-token");
  }

  recoveryCodes(): Promise<string[]> {
    return this.#codes("GET");
  }

  newRecoveryCodes(): Promise<string[]> {
    return this.#codes("POST");
  }

  /** When the service says that it will end (RFC 8594). */
  async announcedEnd(): Promise<string | null> {
    const { headers } = await this.#call("GET", "/user/otp/recovery-codes", 200);
    return headers.get("sunset");
  }

  async #codes(method: string): Promise<string[]> {
    const { text } = await this.#call(method, "/user/otp/recovery-codes", 200);
    const codes = parsed(text)?.recovery_codes;
    if (!Array.isArray(codes)) throw new Unknown("the answer holds no recovery codes");
    return codes;
  }

  async #call(method: string, path: string, expected: number): Promise<{ headers: Headers; text: string }> {
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(this.url + path, {
        method,
        headers: { "x-auth-token": this.token },
        redirect: "manual",
        signal: AbortSignal.timeout(this.timeout),
      });
      text = await answer.text();
    } catch (lost) {
      throw new Unknown(lost instanceof Error ? lost.name : "lost", { cause: lost });
    }
    if (answer.status === expected) return { headers: answer.headers, text };
    if (answer.status >= 400 && answer.status < 500) {
      const body = parsed(text);
      throw new Refused(answer.status, [body?.error, ...(body?.errors ?? [])].filter(Boolean).join("; "));
    }
    // A captive portal answers 200 with a page: that is not a success.
    throw new Unknown(`status ${answer.status}`);
  }
}

function parsed(text: string): { recovery_codes?: unknown; error?: string; errors?: string[] } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
