import { describe, expect, it } from 'vitest';
import { CHAPTERS, REFUSALS } from './scenarios/index.js';
import { listFiles } from './support/repository.js';
import { namesIn, testNamesOf } from './support/test-names.js';

const SCENARIOS = CHAPTERS.flatMap(({ scenarios }) => scenarios);

/** The catalogue has no number 33. */
const NUMBERS = Array.from({ length: 143 }, (_, index) => index + 1).filter((number) => number !== 33);

/** Tests that are named and are not there, each with who names it. */
function missingTests(entries: readonly { readonly name: string; readonly tests: readonly string[] }[]) {
  return entries.flatMap(({ name, tests }) => tests.filter((test) => !isThere(test)).map((test) => `${name}: ${test}`));
}

const FILES = listFiles();

function isThere(test: string): boolean {
  const end = test.indexOf(' > ');
  const file = test.slice(0, end);
  return FILES.includes(file) && testNamesOf(file).includes(test.slice(end + 3));
}

describe('the catalogue of scenarios', () => {
  it('has every number once, in order', () => {
    expect(SCENARIOS.map(({ number }) => number)).toEqual(NUMBERS);
    expect(CHAPTERS.map(({ letter }) => letter).join('')).toBe('ABCDEFGH');
  });

  it('names tests that are there: name the new ones where a test was renamed', () => {
    const named = SCENARIOS.flatMap(({ tests }) => tests);
    expect(named.length).toBeGreaterThan(200);
    expect(missingTests(SCENARIOS.map(({ number, tests }) => ({ name: String(number), tests })))).toEqual([]);
    expect(missingTests([{ name: '0', tests: ['test/scenarios.test.ts > nobody > wrote this'] }])).toHaveLength(1);
  });

  it('has a test for each that is not replaced', () => {
    const without = SCENARIOS.filter(({ tests, replacedBy }) => replacedBy === undefined && tests.length === 0);
    expect(without.map(({ number }) => number)).toEqual([]);
    for (const { number, differs, replacedBy } of SCENARIOS)
      expect(differs !== undefined && replacedBy !== undefined, `${number} is either different or replaced`).toBe(
        false,
      );
  });
});

describe('the list of what is refused', () => {
  it('names files and tests that are there', () => {
    expect(REFUSALS.length).toBeGreaterThan(20);
    expect(REFUSALS.flatMap(({ checkedIn }) => checkedIn).filter((file) => !FILES.includes(file))).toEqual([]);
    expect(REFUSALS.filter(({ tests, checkedIn }) => tests.length === 0 || checkedIn.length === 0)).toEqual([]);
    expect(missingTests(REFUSALS.map(({ what, tests }) => ({ name: what, tests })))).toEqual([]);
  });
});

describe('the names of the tests in a file', () => {
  it('are read in every form a test has, with those of their groups', () => {
    const text = [
      "describe('a group', () => { it('claims', () => {}); it.each([1, 2])('has %i', () => {}); });",
      "describe.each(TABLE)('%s', (name) => { test.concurrent(`of ${name}`, async () => {}); });",
      "test.each<readonly [number]>([[1]])('typed %i', { timeout: 1 }, () => {});",
      "describe.skipIf(absent)('there', () => { for (const one of ALL) test(one, () => {}); it('says \"yes\"', f); });",
      "expect('no test').toBe('at all'); it.each(['not a name'].map((one) => [one]))('a name', () => {});",
    ].join('\n');
    expect(namesIn('example.ts', text)).toEqual([
      'a group > claims',
      'a group > has %i',
      '%s > of ${name}',
      'typed %i',
      'there > says "yes"',
      'a name',
    ]);
  });
});
