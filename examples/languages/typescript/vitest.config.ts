import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    globalSetup: ["./global-setup.ts"],
    // Processes, which read NODE_EXTRA_CA_CERTS when they start; threads would not.
    pool: "forks",
    testTimeout: 20_000,
  },
});
