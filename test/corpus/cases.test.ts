import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCases } from './cases.js';
import { GENERAL_RULE } from './expectation.js';

const EXPECTED = 'says: It works\nexpect: completed\n';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skein-cases-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, files: Readonly<Record<string, string>>): void {
  const all = { 'live.sql': 'SELECT 1', 'schema/public/a.sql': 'CREATE TABLE t (a int);', ...files };
  for (const [file, content] of Object.entries(all)) {
    const path = join(folder, name, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

const read = () => readCases(join(folder, 'own'), join(folder, 'beside'));

describe('the cases of the corpus', () => {
  it('are folders with the database before, the files by namespace, and what is right', () => {
    write('own/one', { 'expected.yaml': EXPECTED, 'around.sql': 'CREATE SCHEMA x', 'schema/b/c.sql': 'SELECT 2' });
    expect(read()).toMatchObject([
      {
        name: 'one',
        around: 'CREATE SCHEMA x',
        live: 'SELECT 1',
        files: { b: { 'c.sql': 'SELECT 2' }, public: { 'a.sql': 'CREATE TABLE t (a int);' } },
        expectation: { says: 'It works', expect: ['completed'] },
      },
    ]);
  });

  it('are also those beside the clone, by the general rule where nothing is written, and never twice', () => {
    write('own/one', { 'expected.yaml': EXPECTED });
    write('beside/one', {});
    write('beside/two', {});
    write('beside/three', { 'expected.yaml': EXPECTED });
    expect(read().map(({ name, expectation }) => [name, expectation.says])).toEqual([
      ['one', 'It works'],
      ['three', 'It works'],
      ['two', GENERAL_RULE.says],
    ]);
  });

  it('cannot be read while one of the repository says not what is right, and every problem is named', () => {
    write('own/one', {});
    write('own/two', { 'expected.yaml': 'says: x\n' });
    expect(read).toThrow(/one.expected\.yaml: is missing[\s\S]*two.expected\.yaml: expect: /);
  });
});
