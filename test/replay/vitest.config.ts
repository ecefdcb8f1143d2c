import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** For `npm run record` alone: what it runs is no test. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    pool: 'forks',
    include: ['test/replay/record.ts'],
    globalSetup: ['test/support/obtain-programs.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
