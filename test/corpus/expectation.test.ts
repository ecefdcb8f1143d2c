import { describe, expect, it } from 'vitest';
import { readText } from '../support/repository.js';
import { GENERAL_RULE, holdsFor, isIn, parseExpectation } from './expectation.js';

const read = (content: string) => parseExpectation(content, 'case/expected.yaml');

describe('an expected.yaml', () => {
  it('needs a sentence and an end, and means no option, no loss and every server', () => {
    expect(read('says: It works\nexpect: completed\n')).toEqual({
      ...GENERAL_RULE,
      says: 'It works',
      expect: ['completed'],
    });
  });

  it('may allow two ends, and lists what is not mended with its servers', () => {
    const {
      expect: ends,
      reason,
      notYet,
    } = read("says: x\nexpect: [completed, refused]\nreason: scans\nnotYet:\n  today: fails\n  servers: '>=18'\n");
    expect(ends).toEqual(['completed', 'refused']);
    expect(reason).toEqual(['scans']);
    expect(notYet).toEqual({ today: 'fails', servers: '>=18' });
    expect(read('says: x\nexpect: completed\nnotYet: fails\n').notYet).toEqual({ today: 'fails', servers: null });
  });

  it.each([
    ['expect: completed', 'case/expected.yaml: says: '],
    ['says: x\nexpect: maybe', 'case/expected.yaml: expect: '],
    ['says: x\nexpect: completed\nreasons: y', '"reasons"'],
    ['says: x\nexpect: refused', 'case/expected.yaml: reason: is missing'],
    ['says: x\nexpect: completed\nreason: y', 'belongs to a refusal or a failure'],
    ['says: x\nexpect: completed\nloses: [public.t]', 'loses: needs allowUnsafe: true'],
    ["says: x\nexpect: refused\nreason: '/(/'", 'is not a pattern that can be read'],
    ['says: x\nexpect: completed\nservers: "18"', 'must be a version such as =18, >=17 or <18'],
    ['says: [', 'case/expected.yaml: '],
  ])('is refused, with its name, when it says %j', (content, problem) => {
    expect(() => read(content)).toThrow(problem);
  });

  it('may hold all that the example of CONTRIBUTING.md holds', () => {
    const example = /```yaml\n([\s\S]*?)```/.exec(readText('CONTRIBUTING.md'))?.[1] ?? '';
    const { loses, notReason, servers } = read(example.replaceAll(/^ {3}/gm, ''));
    expect([loses, notReason, servers]).toEqual([['public.t.k'], ['differs from row to row'], '>=18']);
  });

  it('is refused with every problem at once', () => {
    expect(() => read('expect: maybe\nother: 1\n')).toThrow(/says: [\s\S]*expect: [\s\S]*"other"/);
  });
});

describe('a range of versions', () => {
  it.each([
    [null, 14, true],
    ['>=18', 17, false],
    ['>=18', 18, true],
    ['<18', 17, true],
    ['<18', 18, false],
    ['=16', 16, true],
    ['=16', 17, false],
  ])('%s holds for %d: %s', (range, major, holds) => {
    expect(holdsFor(range, major)).toBe(holds);
  });
});

describe('a text that is looked for', () => {
  it('is there as it is, or as a pattern between slashes', () => {
    expect(isIn('a.b', 'is a.b here')).toBe(true);
    expect(isIn('a.b', 'is axb here')).toBe(false);
    expect(isIn('/A.B/i', 'is axb here')).toBe(true);
    expect(isIn('/first[\\s\\S]*second/', 'second\nfirst')).toBe(false);
  });
});
