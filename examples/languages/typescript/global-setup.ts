/** Starts one emulator for all workers of vitest, or takes the one that runs. */
import type { TestProject } from "vitest/node";
import { Emulator } from "./otp-emulator.js";

declare module "vitest" {
  interface ProvidedContext {
    adminUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const adminToken = process.env.OTP_EMULATOR_ADMIN_TOKEN;
  // The admin port of an emulator that runs already, such as http://emulator:9000 in compose.
  const running = process.env.EMULATOR_ADMIN_URL;
  const options = { adminToken, program: process.env.EMULATOR_PROGRAM };
  const emulator = running ? await Emulator.at(running, options) : await Emulator.start([], options);
  // The workers are started after this, and read it when they start.
  process.env.NODE_EXTRA_CA_CERTS = await emulator.caFile();
  project.provide("adminUrl", emulator.adminUrl);
  return () => emulator.close();
}
