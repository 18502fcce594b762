/** Starts one emulator for all workers of vitest, or uses a running one. */
import { appendFile, readFile } from "node:fs/promises";
import type { TestProject } from "vitest/node";
import { Emulator } from "./otp-emulator.js";

declare module "vitest" {
  interface ProvidedContext {
    adminUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const adminToken = process.env.OTP_EMULATOR_ADMIN_TOKEN;
  // The admin port of an emulator that is already running, such as http://emulator:9000 in compose.
  const running = process.env.EMULATOR_ADMIN_URL;
  const options = { adminToken, program: process.env.EMULATOR_PROGRAM };
  const emulator = running ? await Emulator.at(running, options) : await Emulator.start([], options);
  // The workers start after this and read the variable then. Certificates that it named before stay trusted.
  const caFile = await emulator.caFile();
  const others = process.env.NODE_EXTRA_CA_CERTS;
  if (others) await appendFile(caFile, await readFile(others));
  process.env.NODE_EXTRA_CA_CERTS = caFile;
  project.provide("adminUrl", emulator.adminUrl);
  return () => emulator.close();
}
