import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Real processes, sockets and kills on a busy machine: a test fails when it fails twice over.
    retry: 1,
    // Longer than what the tests wait for with a reason to show: these ends are for a test that hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
