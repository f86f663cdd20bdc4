import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    typecheck: { enabled: false },
    // What hangs ends; how long something takes on a busy machine is no reason to fail.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    // Worker threads of the store live inside test files, so files run as processes of their own.
    pool: 'forks',
    // Many files wait more than they work; a machine of somebody does other things, too.
    maxWorkers: process.env.CI === 'true' ? 3 : 2,
    globalSetup: ['deploy/services/test-run.ts'],
    setupFiles: ['core/testing/patience.ts'],
  },
});
