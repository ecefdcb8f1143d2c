import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Files that run at a time. Two even on two cores: the tests of real servers spend half of their time waiting. Not many
 * more on any machine, because each of them may run a whole stack.
 */
const FILES_AT_A_TIME = Math.min(4, Math.max(2, availableParallelism()));

/** Cases of the corpus that run at a time: they wait for a database half of the time. */
const CASES_AT_A_TIME = 4;

/** One more of those that need no servers: where they wait, they wait for a deadline that has to pass. */
const UNIT_FILES_AT_A_TIME = FILES_AT_A_TIME + 1;

/**
 * `unit` needs nothing but Node and takes seconds; `exhaustive` neither needs more, but walks through so many cases that
 * it is not for every save; `integration` starts real servers and databases, on ports and folders of their own; `extra`
 * needs what is not on every machine (Go, say) and has commands of its own. A file says which it is by its name.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: FILES_AT_A_TIME,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{exhaustive,integration,extra}.test.ts'],
          // Half of the time went into loading the same modules for every file. What a test changes for the whole process
          // (the clock, the environment) it puts back, and the Temporal runtime is installed by no file of this project.
          isolate: false,
          maxWorkers: UNIT_FILES_AT_A_TIME,
          sequence: { groupOrder: 1 }, // asked for by the runner, because the other projects have another number
        },
      },
      {
        extends: true,
        test: {
          name: 'exhaustive',
          include: ['test/**/*.exhaustive.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/**/*.integration.test.ts'],
          globalSetup: ['test/support/obtain-programs.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxConcurrency: CASES_AT_A_TIME,
        },
      },
      {
        extends: true,
        test: {
          name: 'extra',
          include: ['test/**/*.extra.test.ts'],
          globalSetup: ['test/support/obtain-programs.ts'],
          testTimeout: 60_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
