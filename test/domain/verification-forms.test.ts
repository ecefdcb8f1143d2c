import { describe, expect, it } from 'vitest';
import type { TableChange } from '../../domain/plan.js';
import { verify } from '../../domain/verification.js';
import { change } from './changes.js';

/** The verdict on a diff, the worst of it first. */
function verdictOn(plan: readonly TableChange[], difference: readonly TableChange[]): string {
  const found = verify({ plan, difference, baseline: null });
  return (['missing', 'unverifiable', 'drift'] as const).find((verdict) => found[verdict].length > 0) ?? 'nothing';
}

const ADD = 'ALTER TABLE `u` ADD COLUMN `n6` int';

describe('a text that only one database can have written', () => {
  it.each([
    ['two strings with escaped quotes', "ADD COLUMN `hand` text DEFAULT 'it\\'s' COMMENT 'don\\'t'"],
    ['comment signs in them', "ADD `hand` text COMMENT 'it\\'s #1', ADD `h2` text COMMENT 'it\\'s #2'"],
    ['a name beyond letters', 'DROP COLUMN n6🚀, DROP COLUMN n6़'],
  ])('is read: %s', (_what, clauses) => {
    expect(verdictOn([change(ADD)], [change(`ALTER TABLE \`u\` ${clauses}`)])).toBe('drift');
    expect(verdictOn([change(ADD)], [change(`ALTER TABLE \`u\` ${clauses}, MODIFY n6 int`)])).toBe('missing');
  });
});

describe('a statement behind another', () => {
  it.each([
    ['words of a routine for columns', 'CREATE TABLE audit (event text, begin int)'],
    ['a trigger called begin', 'CREATE TRIGGER begin BEFORE INSERT ON v EXECUTE FUNCTION f()'],
    ['a body that ends', 'CREATE TRIGGER t BEFORE INSERT ON v FOR EACH ROW BEGIN IF a THEN SET b = 1; END IF; END'],
    ['the end of nothing', 'CREATE FUNCTION f(t int) RETURNS int RETURN end'],
  ])('is not lost behind %s', (_what, first) => {
    const both = [change(`${first}; ${ADD}`, { table: 'audit' })];
    expect(['missing', 'unverifiable']).toContain(verdictOn([change(ADD)], both));
    expect(['missing', 'unverifiable']).toContain(verdictOn(both, [change(ADD)]));
  });
});

describe('every object of a DROP is missing where it is left', () => {
  it.each([
    ['DROP TABLE a, b', 'DROP TABLE b'],
    ['DROP VIEW IF EXISTS app.a, app.b CASCADE', 'DROP VIEW app.b'],
    ['DROP SEQUENCE a, b', 'DROP SEQUENCE b'],
    ['DROP FUNCTION a(int, text), b(int, text)', 'DROP FUNCTION b(int, text)'],
  ])('%s', (plan, left) => {
    expect(verdictOn([change(plan, { table: 'a' })], [change(left, { table: 'b' })])).toBe('missing');
    expect(verdictOn([change(left, { table: 'b' })], [change(plan, { table: 'a' })])).toBe('missing');
  });
});

describe('a table that gets another name takes along what was done to it', () => {
  it.each([
    ['in one statement', 'ALTER TABLE u ADD COLUMN n6 int, RENAME TO w', 'w'],
    ['in two', 'ALTER TABLE u ADD COLUMN n6 int; ALTER TABLE u RENAME TO w', 'w'],
    ['with its database', 'ALTER TABLE db.u RENAME TO db.w, ADD n6 int', 'w'],
    ['by a swap', 'CREATE TABLE u_new (n6 int); RENAME TABLE u TO u_old, u_new TO u; DROP TABLE u_old', 'u'],
    ['by a rebuild', 'CREATE TABLE u_new (n6 int); DROP TABLE u; ALTER TABLE u_new RENAME TO u', 'u'],
    ['over two names', 'ALTER TABLE u ADD n6 int; ALTER TABLE u RENAME TO v; ALTER TABLE v RENAME TO w', 'w'],
  ])('%s', (_what, plan, table) => {
    const left = (clause: string) => [change(`ALTER TABLE ${table} ${clause}`, { table })];
    expect(verdictOn([change(plan)], left('ADD COLUMN n6 int'))).toBe('missing');
    expect(verdictOn([change(plan)], left('DROP COLUMN hand'))).toBe('drift');
  });

  it('or another namespace', () => {
    const plan = [change('ALTER TABLE app.u SET SCHEMA archive')];
    const left = [change('CREATE TABLE archive.u (a int)', { namespace: 'archive' })];
    expect(verdictOn(plan, left)).toBe('unverifiable');
  });
});

/** A change as an engine states it there. */
const stated = (namespace: string, table: string, ddl: string) => change(ddl, { namespace, table });

describe('a name that is written in several ways is one', () => {
  it.each([
    [
      'a database in one of two statements',
      stated('k', 'u', 'ALTER TABLE db.u ADD a int; ALTER TABLE db.u ADD b int'),
      stated('k', 'u', 'ALTER TABLE db.u ADD b int'),
    ],
    ['a database in a list', stated('k', 'a', 'DROP TABLE db.a, db.b'), stated('k', 'b', 'DROP TABLE db.b')],
    [
      'a table of a text that is not there',
      stated('k', 'Orders', 'ALTER TABLE `Orders` ADD a int'),
      stated('k', 'Orders', ''),
    ],
    [
      'a table of a text without an end',
      stated('k', 'Orders', "ALTER TABLE `Orders` ADD a text COMMENT 'x"),
      stated('k', 'Orders', 'ALTER TABLE `Orders` MODIFY b int'),
    ],
    [
      'a table that is stated otherwise',
      stated('k', 'u', 'ALTER TABLE u ADD a int'),
      stated('k', 'v', 'ALTER TABLE u ADD a int'),
    ],
    [
      'an index that is stated for itself',
      stated('k', 'u', 'ALTER TABLE u ADD CONSTRAINT x UNIQUE (a)'),
      stated('k', 'x', 'DROP INDEX k.x'),
    ],
    [
      'a part whose kind is not said',
      stated('k', 'u', '-- k.u.c: generated kind is STORED'),
      stated('k', 'u', 'ALTER TABLE k.u DROP COLUMN c'),
    ],
  ])('%s', (_what, first, second) => {
    expect(['missing', 'unverifiable']).toContain(verdictOn([first], [second]));
    expect(['missing', 'unverifiable']).toContain(verdictOn([second], [first]));
  });
});

describe('a column may be called as a key begins', () => {
  it.each(['key', 'index', 'exclude', 'fulltext', 'spatial', 'period', 'partition', 'system'])('%s', (name) => {
    for (const type of ['text', 'numeric(10, 2)', 'varchar(10) NOT NULL']) {
      const left = [change(`ALTER TABLE u ADD COLUMN ${name} ${type}`)];
      for (const plan of [`CREATE TABLE u (a int, ${name} ${type})`, `ALTER TABLE u ADD ${name} ${type}`])
        expect(verdictOn([change(plan)], left)).toBe('missing');
    }
    expect(verdictOn([change(`ALTER TABLE u DROP COLUMN ${name}`)], [change(`ALTER TABLE u DROP ${name}`)])).toBe(
      'missing',
    );
  });

  it('and a key is none: another without a name is drift', () => {
    const left = [change('ALTER TABLE u ADD INDEX (z)')];
    expect(verdictOn([change('ALTER TABLE u ADD INDEX (a)')], left)).toBe('drift');
  });
});

describe('a foreign change beside', () => {
  it.each([
    ['the key of a column', 'ALTER TABLE u ADD n6 int UNIQUE', 'ALTER TABLE u ADD hand int UNIQUE'],
    [
      'the check of a column',
      'ALTER TABLE u ADD n6 int CHECK (n6 > 0)',
      'ALTER TABLE u MODIFY hand int CHECK (hand > 0)',
    ],
    [
      'a reference',
      'ALTER TABLE u ADD n6 int REFERENCES v (id)',
      'ALTER TABLE u ADD CONSTRAINT h FOREIGN KEY (z) REFERENCES v (id)',
    ],
    ['an index without a name', 'ALTER TABLE u ADD INDEX (n6)', 'ALTER TABLE u ADD INDEX hand (z)'],
    ['a new table', 'CREATE TABLE u (id int, UNIQUE (id))', 'ALTER TABLE u ADD hand int UNIQUE'],
    ['a conversion', 'ALTER TABLE u CONVERT TO CHARACTER SET utf8mb4', 'ALTER TABLE u MODIFY hand bigint'],
    ['a sequence of the table', 'DROP SEQUENCE app.u_id_seq', 'ALTER TABLE u DROP COLUMN hand'],
  ])('%s is drift', (_what, plan, left) => {
    expect(verdictOn([change(plan)], [change(left)])).toBe('drift');
  });

  it.each([
    'CREATE TABLE v LIKE u',
    'CREATE TABLE app.v PARTITION OF app.u FOR VALUES IN (1)',
    'CREATE TABLE v (LIKE u)',
  ])('a new table that takes from a planned one is drift: %s', (left) => {
    expect(verdictOn([change(ADD)], [change(left, { table: 'v' })])).toBe('drift');
  });

  it.each([
    ['ADD UNIQUE (`n6`)', 'ADD UNIQUE KEY `n6_2` (`n6`)'],
    ['ADD COLUMN n6 int UNIQUE', 'ADD UNIQUE KEY x (`N6`)'],
    ['ADD CHECK (a > 0)', 'ADD CONSTRAINT u_chk_1 CHECK ((`a` > 0))'],
    ['ADD INDEX ((lower(a)))', 'ADD INDEX functional_index ((lower(a)))'],
    ['ADD FOREIGN KEY (a) REFERENCES v (id)', 'ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES v (id)'],
    ['CONVERT TO CHARACTER SET utf8mb4', 'MODIFY hand char(3)'],
  ])('may be the same: %s and %s', (plan, left) => {
    expect(verdictOn([change(`ALTER TABLE u ${plan}`)], [change(`ALTER TABLE u ${left}`)])).toBe('unverifiable');
  });
});

const many = (text: string, times: number) => text.repeat(times);

describe('a text of any size and depth', () => {
  it.each([
    ['parentheses', `ALTER TABLE u ADD c int DEFAULT ${many('(', 100_000)}${many(')', 100_000)}`],
    ['conditional comments in each other', `ALTER TABLE u ${many('/*!', 40_000)}${many('*/', 40_000)}`],
    ['a long body', `CREATE TRIGGER t BEFORE INSERT ON u FOR EACH ROW BEGIN ${many('SET a = 1; ', 18_000)}END`],
    ['a body without an end', `CREATE TRIGGER t BEFORE INSERT ON u FOR EACH ROW BEGIN ${many('; ', 100_000)}`],
    ['a name of many parts', `ALTER TABLE ${many('a.', 60_000)}a ADD n int`],
    ['many renamed tables', `RENAME TABLE ${Array.from({ length: 10_000 }, (_, at) => `t${at} TO v${at}`).join(',')}`],
    ['many dropped tables', `DROP TABLE ${Array.from({ length: 20_000 }, (_, at) => `t${at}`).join(',')}`],
    ['many columns', `CREATE TABLE u (${Array.from({ length: 10_000 }, (_, at) => `c${at} int UNIQUE`).join(',')})`],
  ])('is compared: %s', (_what, text) => {
    expect(verdictOn([change(text)], [change(text)])).not.toBe('drift');
    expect(verdictOn([change(ADD)], [change(text)])).not.toBe('nothing');
  });
});
