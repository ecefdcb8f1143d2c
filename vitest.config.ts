import { defineConfig } from 'vitest/config';

/**
 * `unit` needs nothing but Node and takes seconds; `integration` starts real servers and databases, one
 * file at a time because they share two cores and measure real waits; `extra` needs what is not on every
 * machine (Go, say) and has commands of its own. A file says which it is by its name.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.integration.test.ts', 'test/**/*.extra.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/**/*.integration.test.ts'],
          globalSetup: ['test/support/obtain-programs.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'extra',
          include: ['test/**/*.extra.test.ts'],
          globalSetup: ['test/support/obtain-programs.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
