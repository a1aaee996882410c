import { defineConfig } from "vitest/config";

// One browser and one server: the files run one after the other.
export default defineConfig({
  test: {
    root: "e2e",
    include: ["*.test.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
