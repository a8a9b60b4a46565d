import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Real processes, sockets and kills on a busy machine: a test fails when it fails twice over.
    retry: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
