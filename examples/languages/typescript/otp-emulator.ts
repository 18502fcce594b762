/**
 * A client of otp-emulator for tests in TypeScript. It needs Node.js 20 or later and nothing else: copy this file.
 *
 *     const emulator = await Emulator.start(); // or Emulator.at("http://emulator:9000")
 *     const user = await emulator.addUser();
 *     await myProgram(emulator.url, user.token);
 *     const sms = await user.nextSms();
 *     await user.verify({ outcome: "sms_sent" }); // exactly one SMS, and nothing else
 *     await emulator.close();
 *
 * `fetch` trusts the file that NODE_EXTRA_CA_CERTS names. Node.js reads that variable only when a process starts, so set it
 * to `await emulator.caFile()` before the test processes start: see global-setup.ts. Your code needs no change.
 *
 * The emulator describes its admin API at /openapi.json of the admin port.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

export interface Sms {
  user: string;
  to: string;
  otp: string;
  seconds: number;
  date: string;
}

export interface Entry {
  number: number;
  seconds: number;
  date: string;
  user: string | null;
  operation: string | null;
  outcome: string;
  status: number | null;
  fault: string | null;
  event: string;
}

export interface Expected {
  outcome: string;
  user?: string;
  operation?: string;
  status?: number;
  fault?: string;
  count?: number;
}

export interface NewUser {
  two_factor?: "sms" | "app" | "off";
  name?: string;
  phone?: string;
  token?: string;
  otp?: string;
  recovery_codes?: string[];
}

export interface Scope {
  operation?: string;
  times?: number | "always";
}

export interface AtOptions {
  /** The URL of the service, if its port is not the one that it listens on, as with published ports. */
  url?: string;
  adminToken?: string;
  /** How many milliseconds to wait until it is ready; by default 30 000. */
  wait?: number;
}

export interface StartOptions extends AtOptions {
  /** The program, by default the one on the PATH. */
  program?: string;
}

type Query = Record<string, string | number | undefined>;

/** The emulator did not start, or refused a call of the admin API. */
export class EmulatorError extends Error {
  constructor(
    message: string,
    readonly status?: number,
  ) {
    super(message);
    this.name = "EmulatorError";
  }
}

/** A running emulator. */
export class Emulator {
  #process: ChildProcess | undefined;
  #folder: string | undefined;
  readonly #adminToken: string | undefined;

  private constructor(
    readonly adminUrl: string,
    /** Where the service is, up to and including /metal/v1. */
    readonly url: string,
    adminToken: string | undefined,
  ) {
    this.#adminToken = adminToken;
  }

  /** Uses an emulator that is already running. Waits until it is ready. */
  static async at(adminUrl: string, options: AtOptions = {}): Promise<Emulator> {
    const admin = adminUrl.replace(/\/+$/, "");
    const ready = await untilReady(admin, options.wait ?? 30_000);
    return new Emulator(admin, options.url ?? seenFromHere(ready.base_url, admin), options.adminToken);
  }

  /** Starts the program on free ports of this machine, with these arguments. */
  static async start(programArguments: string[] = [], options: StartOptions = {}): Promise<Emulator> {
    const ports = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    const program = spawn(options.program ?? "otp-emulator", [...ports, ...programArguments], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        ...(options.adminToken === undefined ? {} : { OTP_EMULATOR_ADMIN_TOKEN: options.adminToken }),
      },
    });
    try {
      const emulator = await Emulator.at(await announced(program), options);
      emulator.#process = program;
      return emulator;
    } catch (error) {
      program.kill();
      throw error;
    }
  }

  /** Stops the program, if this object started it, and removes the file of the certificate. */
  async close(): Promise<void> {
    const program = this.#process;
    this.#process = undefined;
    if (program && program.exitCode === null) {
      const ended = new Promise((resolve) => program.once("exit", resolve));
      program.kill();
      await Promise.race([ended, sleep(5000, undefined, { ref: false }).then(() => program.kill("SIGKILL"))]);
    }
    if (this.#folder) {
      await rm(this.#folder, { recursive: true, force: true });
      this.#folder = undefined;
    }
  }

  // Trust

  /** The certificate to trust, as PEM. */
  caPem(): Promise<string> {
    return this.ask("GET", "/ca.pem");
  }

  /** The same in a file, which `close` removes. */
  async caFile(): Promise<string> {
    this.#folder ??= await mkdtemp(join(tmpdir(), "otp-emulator-"));
    const file = join(this.#folder, "ca.pem");
    await writeFile(file, await this.caPem());
    return file;
  }

  // State

  /** Resets everything to the state at the start, or one user. */
  reset(user?: string): Promise<void> {
    return this.ask("POST", "/reset", { user });
  }

  async addUser(user: NewUser = {}): Promise<User> {
    const added = await this.ask<{ name: string; token: string; app_secret: string | null }>(
      "POST",
      "/users",
      {},
      { two_factor: "sms", ...user },
    );
    return new User(this, added.name, added.token, added.app_secret);
  }

  users(): Promise<{ name: string; locked_out: boolean; recovery_codes: number }[]> {
    return this.ask("GET", "/users");
  }

  /** The next SMS, each given once; undefined if none comes within so many seconds. */
  nextSms(user?: string, wait = 5): Promise<Sms | undefined> {
    return this.ask("GET", "/sms/next", { user, wait });
  }

  /** Every SMS, oldest first. */
  sms(user?: string): Promise<Sms[]> {
    return this.ask("GET", "/sms", { user });
  }

  /** Arms a fault, such as "lost-sms" or "status=429", for all users and operations unless narrowed. */
  arm(fault: string, scope: Scope & { user?: string } = {}): Promise<void> {
    return this.ask("POST", `/faults/${encodeURIComponent(fault)}`, { ...scope });
  }

  /** Disarms the faults of a name, the one of a number, or all. */
  disarm(fault?: string | number): Promise<void> {
    return this.ask("DELETE", fault === undefined ? "/faults" : `/faults/${encodeURIComponent(fault)}`);
  }

  faults(): Promise<{ armed: { fault: string }[]; known: { fault: string }[] }> {
    return this.ask("GET", "/faults");
  }

  /** Advances the service's clock. */
  advance(seconds: number): Promise<void> {
    return this.ask("POST", "/clock/advance", { seconds });
  }

  // What happened

  journal(filter: Query = {}): Promise<Entry[]> {
    return this.ask("GET", "/journal", filter);
  }

  /** Fails with the differences unless exactly this happened. */
  async verify(expected: Expected[], scope: { user?: string; since?: number; nothing_else?: boolean } = {}): Promise<void> {
    await this.ask("POST", "/journal/verify", {}, { expected, ...scope });
  }

  /** A call of the admin API. */
  async ask<T>(method: string, path: string, query: Query = {}, body?: unknown): Promise<T> {
    const url = new URL(this.adminUrl + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const answer = await fetch(url, {
      method,
      headers: {
        ...(this.#adminToken === undefined ? {} : { authorization: `Bearer ${this.#adminToken}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type") === "application/json";
    const content = isJson ? JSON.parse(text) : text;
    if (!answer.ok) {
      const why = isJson ? content.error : text;
      throw new EmulatorError(`${method} ${path}: ${answer.status}: ${why}`, answer.status);
    }
    return answer.status === 204 ? (undefined as T) : content;
  }
}

/** A user of the service. Tests with different users do not affect each other. */
export class User {
  constructor(
    private readonly emulator: Emulator,
    readonly name: string,
    readonly token: string,
    /** The secret of the user's authenticator app, in base32. */
    readonly appSecret: string | null,
  ) {}

  nextSms(wait?: number): Promise<Sms | undefined> {
    return this.emulator.nextSms(this.name, wait);
  }

  sms(): Promise<Sms[]> {
    return this.emulator.sms(this.name);
  }

  /** What the user's authenticator app shows now. */
  async appCode(): Promise<string> {
    return (await this.emulator.ask<{ otp: string }>("GET", `${this.#path}/app-code`)).otp;
  }

  /** Sets what the service gives the user next. */
  choose(values: { otp?: string; recovery_codes?: string[]; session_token?: string }): Promise<void> {
    return this.emulator.ask("POST", `${this.#path}/next`, {}, values);
  }

  /** Arms a fault for this user's requests only. */
  arm(fault: string, scope: Scope = {}): Promise<void> {
    return this.emulator.arm(fault, { ...scope, user: this.name });
  }

  journal(filter: Query = {}): Promise<Entry[]> {
    return this.emulator.journal({ ...filter, user: this.name });
  }

  /** Fails with the differences unless exactly this happened to the user. */
  verify(...expected: Expected[]): Promise<void> {
    return this.emulator.verify(expected, { user: this.name });
  }

  /** Resets the user to the state when added, and disarms the faults for this user. */
  reset(): Promise<void> {
    return this.emulator.reset(this.name);
  }

  async remove(): Promise<void> {
    await this.reset();
    await this.emulator.ask("DELETE", this.#path);
  }

  get #path(): string {
    return `/users/${encodeURIComponent(this.name)}`;
  }
}

/** The URL of the admin port, which the program prints. The rest of its output need not be read. */
async function announced(program: ChildProcess): Promise<string> {
  const failed = new Promise<never>((_, reject) => {
    program.once("error", (error) => reject(new EmulatorError(`the emulator does not start: ${error.message}`)));
    program.once("exit", (code) => reject(new EmulatorError(`the emulator ended with ${code}`)));
  });
  failed.catch(() => undefined);
  const said = (async () => {
    for await (const line of createInterface({ input: program.stdout! })) {
      if (line.startsWith("status page")) return line.split(" ").at(-1)!;
    }
    return failed;
  })();
  return Promise.race([said, failed]);
}

async function untilReady(adminUrl: string, wait: number): Promise<{ base_url: string }> {
  const giveUp = performance.now() + wait;
  for (;;) {
    try {
      const answer = await fetch(`${adminUrl}/readyz`);
      if (answer.ok) return (await answer.json()) as { base_url: string };
      await answer.body?.cancel();
    } catch (error) {
      if (performance.now() > giveUp) {
        throw new EmulatorError(`${adminUrl} is not ready after ${wait} ms: ${error}`);
      }
    }
    await sleep(50);
  }
}

/** /readyz reports a loopback URL. From another machine, the service has the host name of the admin port. */
function seenFromHere(baseUrl: string, adminUrl: string): string {
  const url = new URL(baseUrl);
  url.hostname = new URL(adminUrl).hostname;
  return url.href.replace(/\/+$/, "");
}
