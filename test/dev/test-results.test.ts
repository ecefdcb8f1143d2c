import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../dev/folders.js';
import { countResults } from '../../dev/test.mjs';

const file = (status: string, ...tests: readonly string[]) => ({
  name: join(repositoryRoot(), 'test', 'a.test.ts'),
  status,
  assertionResults: tests.map((each, index) => ({ status: each, fullName: `claim ${index + 1}` })),
});

describe('the count of test results', () => {
  it('adds up all files', () => {
    const record = { testResults: [file('passed', 'passed', 'passed'), file('failed', 'failed', 'passed')] };
    expect(countResults(record)).toEqual({ passed: 3, failed: 1, skipped: [] });
  });

  it('takes a file that could not be loaded as a failure', () => {
    expect(countResults({ testResults: [file('failed')] })).toMatchObject({ passed: 0, failed: 1 });
  });

  it('takes a file whose set-up failed as a failure, although its tests were only skipped', () => {
    expect(countResults({ testResults: [file('failed', 'skipped')] })).toMatchObject({ passed: 0, failed: 1 });
  });

  it('names what was skipped', () => {
    const { skipped } = countResults({ testResults: [file('passed', 'passed', 'skipped')] });
    expect(skipped).toEqual([`${join('test', 'a.test.ts')}: claim 2`]);
  });
});
