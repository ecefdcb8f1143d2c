import { beforeAll, describe, expect, it } from 'vitest';
import type { Step } from '../../engine/postgres/planning/change.js';
import { lossesOf } from '../../engine/postgres/planning/loss.js';
import { loadParser } from '../../engine/postgres/planning/sql.js';

beforeAll(loadParser);

const CONTEXT = { isValidIndex: (_schema: string, index: string) => index !== 'unfinished' };

function run(...statements: readonly string[]): Step {
  return { kind: 'transaction', statement: statements.join(';\n'), scans: false, undo: null };
}

describe('a statement that loses something', () => {
  it.each([
    ['DROP TABLE "public"."orders"', 'deletes the table and its data'],
    ['DROP TABLE a.b, a.c CASCADE', 'CASCADE'],
    ['DROP SEQUENCE a.s', 'current value'],
    ['DROP MATERIALIZED VIEW a.m', 'what it holds'],
    ['DROP TYPE a.t CASCADE', 'CASCADE'],
    ['DROP FOREIGN TABLE a.t', 'removes a.t'],
    ['DROP SCHEMA a', 'removes a'],
    ['DROP VIEW "public"."v"', 'reads'],
    ['DROP FUNCTION a.f(integer)', 'calls'],
    ['DROP TRIGGER g ON a.t', 'trigger'],
    ['DROP INDEX "public"."i"', 'slow'],
    ['DROP OWNED BY somebody', 'removes'],
    ['ALTER TABLE a.t DROP COLUMN note', 'deletes its data'],
    ['ALTER TABLE a.t ADD COLUMN x int, DROP COLUMN note CASCADE', 'DROP COLUMN note deletes its data; CASCADE'],
    ['ALTER TABLE a.t DROP CONSTRAINT c, DROP COLUMN d', 'guarantees; DROP COLUMN d deletes its data'],
    ['ALTER TABLE a.t ALTER COLUMN k DROP IDENTITY', 'deletes its sequence'],
    ['ALTER TABLE a.t ALTER COLUMN k TYPE integer USING k::integer', 'may lose part of them'],
    ['ALTER TABLE a.t DETACH PARTITION a.p', 'no longer found'],
    ['ALTER TABLE a.t NO INHERIT a.p', 'no longer found'],
    ['ALTER TABLE a.t ALTER COLUMN k RESTART WITH 3', 'number twice'],
    ['ALTER SEQUENCE a.s RESTART', 'number twice'],
    ['ALTER TYPE a.c DROP ATTRIBUTE x CASCADE', 'CASCADE'],
    ['ALTER DOMAIN a.d DROP CONSTRAINT c', 'guarantees'],
    ['TRUNCATE a.t', 'deletes rows'],
    ['DELETE FROM a.t', 'deletes rows'],
    ['DO $$ BEGIN DROP TABLE t; END $$', 'nobody can tell'],
  ])('%s', (statement, reason) => {
    expect(lossesOf([run(statement)], CONTEXT).join('; ')).toContain(reason);
    // Wherever it stands.
    const hidden = [
      run('ALTER TABLE a.q ADD CONSTRAINT z CHECK (true) NOT VALID'),
      run('COMMENT ON TABLE a.q IS NULL', statement),
    ];
    expect(lossesOf(hidden, CONTEXT).join('; ')).toContain(reason);
  });
});

describe('what is dropped and created again in one transaction', () => {
  it.each([
    ['a trigger', 'DROP TRIGGER g ON a.t', 'CREATE TRIGGER g BEFORE INSERT ON a.t EXECUTE FUNCTION a.f()'],
    ['a policy', 'DROP POLICY p ON a.t', 'CREATE POLICY p ON a.t USING (true)'],
    ['a rule', 'DROP RULE r ON a.t', 'CREATE RULE r AS ON DELETE TO a.t DO INSTEAD NOTHING'],
    ['a constraint', 'ALTER TABLE a.t DROP CONSTRAINT c', 'ALTER TABLE a.t ADD CONSTRAINT c CHECK (true) NOT VALID'],
    ['an index', 'DROP INDEX a.i', 'ALTER INDEX a.i_skein_new RENAME TO i'],
    ['a default', 'ALTER TABLE a.t ALTER COLUMN k DROP DEFAULT', 'ALTER TABLE a.t ALTER COLUMN k SET DEFAULT 3'],
  ])('loses nothing: %s', (_what, drop, create) => {
    expect(lossesOf([run(drop, create)], CONTEXT)).toEqual([]);
  });
  it.each([
    ['a view', 'DROP VIEW a.v', 'CREATE VIEW a.v AS SELECT 1 AS one', 'relies on the old one'],
    [
      'a function',
      'DROP FUNCTION a.f(integer)',
      'CREATE FUNCTION a.f(x integer) RETURNS integer RETURN 1',
      'relies on the old one',
    ],
    [
      'a table',
      'DROP TABLE a.t',
      'CREATE TABLE a.t (k text)',
      'table a.t is dropped and created anew, which deletes its rows',
    ],
    ['a column', 'ALTER TABLE a.t DROP COLUMN k', 'ALTER TABLE a.t ADD COLUMN k text', 'deletes its values'],
    ['a sequence', 'DROP SEQUENCE a.s', 'CREATE SEQUENCE a.s', 'its current value'],
    ['a materialized view', 'DROP MATERIALIZED VIEW a.m', 'CREATE MATERIALIZED VIEW a.m AS SELECT 1', 'what it holds'],
  ])('is told: %s', (_what, drop, create, reason) => {
    expect(lossesOf([run(drop, create)], CONTEXT).join('; ')).toContain(reason);
  });
  it.each([
    ['another trigger', 'DROP TRIGGER g ON a.t', 'CREATE TRIGGER h BEFORE INSERT ON a.t EXECUTE FUNCTION a.f()'],
    ['a policy of another table', 'DROP POLICY p ON a.t', 'CREATE POLICY p ON a.u USING (true)'],
    ['an index of another schema', 'DROP INDEX a.i', 'ALTER INDEX b.j RENAME TO i'],
  ])('is something else: %s', (_what, drop, create) => {
    expect(lossesOf([run(drop, create)], CONTEXT)).toHaveLength(1);
  });
  it('is missing in between where a transaction ends before it comes again', () => {
    const create = run('CREATE POLICY p ON a.t USING (true)');
    expect(lossesOf([run('DROP POLICY p ON a.t'), create], CONTEXT)).toHaveLength(1);
  });
});

it('tells every loss of a transaction once, in order', () => {
  const losses = lossesOf(
    [run('DROP VIEW a.v', 'DROP VIEW a.w', 'DROP TABLE a.t', 'CREATE VIEW a.v AS SELECT 1 AS one', 'DROP TABLE a.u')],
    CONTEXT,
  );
  expect(losses).toEqual([
    'v is dropped and created again in one transaction: whoever relies on the old one may break',
    'DROP VIEW breaks whoever reads the view',
    'DROP TABLE deletes the table and its data',
  ]);
});

it('an unfinished index is no loss, nor is a helper that the change itself brought', () => {
  expect(lossesOf([run('DROP INDEX a.unfinished')], CONTEXT)).toEqual([]);
  const add = run('ALTER TABLE a.t ADD CONSTRAINT c CHECK (k IS NOT NULL) NOT VALID');
  expect(lossesOf([add, run('ALTER TABLE a.t DROP CONSTRAINT c')], CONTEXT)).toEqual([]);
});
