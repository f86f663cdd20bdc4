import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    typecheck: { enabled: false },
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Worker threads of the store live inside test files, so files run as processes of their own.
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: ['deploy/services/test-run.ts'],
  },
});
