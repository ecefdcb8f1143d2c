import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baselineOf, shortened, verify } from '../../domain/verification.js';
import { change } from './changes.js';

type Verdict = 'missing' | 'drift' | 'unverifiable';

/** The verdict on a diff of one clause. */
function verdictOn(plan: string, left: string, table = 'u'): Verdict | 'nothing' {
  const given = { namespace: 'public', table };
  const found = verify({ plan: [change(plan, given)], difference: [change(left, given)], baseline: null });
  const verdicts = (['missing', 'drift', 'unverifiable'] as const).filter((verdict) => found[verdict].length > 0);
  return verdicts.length > 1
    ? expect.fail(`more than one verdict: ${JSON.stringify(found)}`)
    : (verdicts[0] ?? 'nothing');
}

describe('a clause that is left in the diff is missing', () => {
  it.each([
    ['is written otherwise', 'ALTER TABLE u ADD COLUMN n6 int', 'alter  table `u` add /* c */ `N6` INT; -- done'],
    ['leaves COLUMN out', 'ALTER TABLE u ADD n6 int', 'ALTER TABLE u MODIFY n6 bigint'],
    ['is for a quoted name', 'ALTER TABLE u ADD COLUMN "n6" int', 'ALTER TABLE ONLY u ALTER n6 SET NOT NULL'],
    ['adds several columns', 'ALTER TABLE u ADD (n5 int, n6 int)', 'ALTER TABLE u DROP COLUMN n6'],
    ['stands behind IF NOT EXISTS', 'ALTER TABLE IF EXISTS u ADD COLUMN IF NOT EXISTS n6 int', 'ALTER TABLE u DROP n6'],
    ['concerns the old name', 'ALTER TABLE u RENAME COLUMN n5 TO n6', 'ALTER TABLE u DROP COLUMN n5'],
    ['concerns the new name', 'ALTER TABLE u RENAME n5 TO n6', 'ALTER TABLE u ADD COLUMN n6 int'],
    ['is the key of a column', 'ALTER TABLE u ADD COLUMN n6 int PRIMARY KEY', 'ALTER TABLE u ADD PRIMARY KEY (n6)'],
    [
      'is a constraint of a column',
      'ALTER TABLE u ADD n6 int CONSTRAINT c CHECK (n6 > 0)',
      'ALTER TABLE u ADD CONSTRAINT c CHECK (n6 > 0)',
    ],
    ['is the index of a constraint', 'ALTER TABLE u ADD CONSTRAINT c UNIQUE (n6)', 'ALTER TABLE u DROP INDEX c'],
    ['renames an index', 'ALTER TABLE u RENAME INDEX a TO b', 'ALTER TABLE u DROP KEY a'],
    ['hides an index', 'ALTER TABLE u ALTER INDEX x INVISIBLE', 'ALTER TABLE u ALTER INDEX x VISIBLE'],
    [
      'is a second step',
      'ALTER TABLE u ADD CONSTRAINT c CHECK (n > 0) NOT VALID;\nALTER TABLE u VALIDATE CONSTRAINT c',
      'ALTER TABLE u VALIDATE CONSTRAINT c',
    ],
    [
      'is an index on its own',
      'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "X" ON ONLY public.u USING btree (n)',
      'DROP INDEX CONCURRENTLY IF EXISTS public."X"',
    ],
    [
      'is a column of a new table',
      'CREATE TABLE u (id bigint, n6 numeric(10, 2) DEFAULT 1)',
      'ALTER TABLE u ADD COLUMN n6 numeric(10, 2)',
    ],
    [
      'is a key of a new table',
      'CREATE TABLE u (id bigint, UNIQUE KEY x (id)) ENGINE=InnoDB',
      'ALTER TABLE u ADD UNIQUE INDEX x (id)',
    ],
    ['is about a new table as a whole', 'CREATE TABLE u (id bigint)', "ALTER TABLE u COMMENT='a'"],
    ['makes a table that was to be changed', 'ALTER TABLE u ADD COLUMN n6 int', 'CREATE TABLE u (id int, n6 int)'],
    ['still has what was to go', 'DROP TABLE u', 'ALTER TABLE u DROP COLUMN a'],
    ['is a view', 'CREATE OR REPLACE VIEW public.u AS SELECT 1, 2', 'DROP VIEW public.u'],
    [
      'is a function',
      'CREATE FUNCTION public.u(a integer) RETURNS int LANGUAGE sql AS $$ SELECT 1; $$',
      'CREATE OR REPLACE FUNCTION public.u(integer) RETURNS int LANGUAGE sql AS $$ SELECT 2 $$',
    ],
    [
      'is a function with a body of statements',
      'CREATE FUNCTION u() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END',
      'DROP FUNCTION u()',
    ],
    [
      'is a trigger',
      'CREATE TRIGGER n6 BEFORE UPDATE OF a ON public.u EXECUTE FUNCTION f()',
      'DROP TRIGGER n6 ON public.u',
    ],
    ['is a policy', 'CREATE POLICY p ON u USING (true)', 'ALTER POLICY p ON u USING (false)'],
    ['is a rule', 'CREATE RULE r AS ON INSERT TO u DO NOTHING', 'DROP RULE r ON u'],
    ['is the same option', "ALTER TABLE u COMMENT = 'a', ENGINE=InnoDB", "ALTER TABLE u COMMENT 'b'"],
    [
      'is partitioning behind a column',
      'ALTER TABLE u ADD n6 int PARTITION BY HASH (n6)',
      'ALTER TABLE u PARTITION BY HASH (n6) PARTITIONS 4',
    ],
    [
      'stands in a comment that is executed',
      'ALTER TABLE u ADD COLUMN a int /*!80013 INVISIBLE */ /*! , ADD COLUMN n6 int */',
      'ALTER TABLE u DROP COLUMN n6',
    ],
    [
      'is a difference without a statement',
      'ALTER TABLE public.u ALTER COLUMN n6 SET NOT NULL',
      '-- public.u.n6: generated kind is STORED, the files say VIRTUAL',
    ],
    ['is one of an index', 'CREATE INDEX x ON public.u (a)', '-- public.x: index is not valid'],
    [
      'is one of a part with a quoted name',
      'ALTER TABLE public.u ADD COLUMN "N.6" int',
      '-- public.u."N.6": storage is plain',
    ],
    ['is one of a new table', 'CREATE TABLE public.u (a int)', '-- public.u: replica identity is FULL'],
    [
      'is one of a function',
      'CREATE FUNCTION public.u(a integer) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
      '-- public.u(integer): cost is 5',
    ],
    [
      'is one of a function with arguments of their own',
      'CREATE FUNCTION public.u(a numeric) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
      '-- public.u(numeric(10,2), "My: type"): cost is 5, the files say 1',
    ],
    [
      'is one of a quoted table',
      'ALTER TABLE public."U 1" ALTER COLUMN "c.d" SET NOT NULL',
      '-- public."U 1"."c.d": type is int, the files say bigint',
      'U 1',
    ],
    ['cannot be read and is the same', 'VACUUM (u', 'VACUUM  (u;'],
  ])('that %s', (_what, plan, left, table = 'u') => {
    expect(verdictOn(plan, left, table)).toBe('missing');
  });
});

describe('a clause that is left in the diff is drift', () => {
  it.each([
    ['another column', 'ALTER TABLE u ADD COLUMN n6 int', 'ALTER TABLE u DROP COLUMN hand'],
    [
      'another column beside a hint how to run it',
      'ALTER TABLE u ADD COLUMN n6 int, ALGORITHM=INPLACE',
      'ALTER TABLE u DROP COLUMN hand, ALGORITHM=INPLACE, LOCK=NONE',
    ],
    [
      'a column of a name that differs by case in quotes',
      'ALTER TABLE u ADD COLUMN "N6" int',
      'ALTER TABLE u DROP COLUMN "n6"',
    ],
    ['a column behind a planned one', 'ALTER TABLE u ADD COLUMN n6 int', 'ALTER TABLE u ADD COLUMN hand int AFTER n6'],
    [
      'what a text merely mentions',
      'ALTER TABLE u ADD COLUMN n6 int',
      "ALTER TABLE u ADD hand text DEFAULT 'x, ADD COLUMN n6 int'",
    ],
    [
      'an index that goes, beside a key without a name',
      'ALTER TABLE u ADD COLUMN n6 int UNIQUE',
      'ALTER TABLE u DROP INDEX hand',
    ],
    ['a column beside a key without a name', 'ALTER TABLE u ADD UNIQUE (a)', 'ALTER TABLE u MODIFY COLUMN hand int'],
    [
      'a column of a table that is converted',
      'ALTER TABLE u CONVERT TO CHARACTER SET utf8mb4',
      'ALTER TABLE u DROP COLUMN hand',
    ],
    ['a column of a new table', 'CREATE TABLE u (id bigint, PRIMARY KEY (id))', 'ALTER TABLE u DROP COLUMN hand'],
    [
      'a column of a new table whose columns come from another',
      'CREATE TABLE u (a int) INHERITS (v)',
      'ALTER TABLE u DROP COLUMN hand',
    ],
    ['a trigger with the name of a planned column', 'ALTER TABLE u ADD COLUMN n6 int', 'DROP TRIGGER n6 ON u'],
    [
      'a difference of another part without a statement',
      'ALTER TABLE public.u ADD n6 int',
      '-- public.u.hand: comment is missing',
    ],
    [
      'a difference of another object without a statement',
      'ALTER TABLE public.u ADD n6 int',
      '-- public.v: owned by nothing',
    ],
    ['a difference of two lines', 'ALTER TABLE public.u ADD n6 int', '-- public.v: the body differs:\n--   SELECT u'],
  ])('if it concerns %s', (_what, plan, left) => {
    expect(verdictOn(plan, left)).toBe('drift');
  });

  it('if it concerns another object, whatever it does there', () => {
    const plan = [change('ALTER TABLE u ADD COLUMN n6 int')];
    const others = ['DROP TABLE v', 'ALTER TABLE v COMMENT = 1', 'ALTER TABLE v ADD COLUMN n6 int', 'OPTIMIZE v'];
    const difference = others.map((ddl) => change(ddl, { table: 'v' }));
    expect(verify({ plan, difference, baseline: null })).toEqual({
      missing: [],
      drift: ['DROP TABLE v', 'COMMENT = 1 on v', 'ADD COLUMN n6 int on v', 'OPTIMIZE v'],
      unverifiable: [],
    });
  });
});

describe('a clause that is left in the diff cannot be verified', () => {
  it.each([
    ['cannot be cut', 'ALTER TABLE u ADD COLUMN n6 int', "ALTER TABLE u DROP COLUMN hand, COMMENT 'open"],
    [
      'reads in two ways',
      'ALTER TABLE u ADD COLUMN n6 int',
      'ALTER TABLE u DROP COLUMN hand DEFAULT 5--3, ADD COLUMN n6 int\n',
    ],
    ['is no statement', 'ALTER TABLE u ADD COLUMN n6 int', ''],
    ['is of no known form', 'ALTER TABLE u ADD COLUMN n6 int', 'OPTIMIZE TABLE u'],
    ['is an option', 'ALTER TABLE u ADD COLUMN n6 int', 'ALTER TABLE u ENGINE=InnoDB'],
    ['gives the table another name', 'ALTER TABLE u ADD COLUMN n6 int', 'ALTER TABLE u RENAME TO v'],
    ['is partitioning', 'ALTER TABLE u ADD COLUMN n6 int', 'ALTER TABLE u REMOVE PARTITIONING'],
    ['is row level security', 'ALTER TABLE u ADD COLUMN n6 int', 'ALTER TABLE u ENABLE ROW LEVEL SECURITY'],
    ['would drop the table', 'ALTER TABLE u ADD COLUMN n6 int', 'DROP TABLE u'],
    [
      'may be the key that has no name',
      'ALTER TABLE u ADD COLUMN n6 int UNIQUE',
      'ALTER TABLE u ADD UNIQUE INDEX n6_2 (n6)',
    ],
    ['may be a key that has a name', 'ALTER TABLE u ADD INDEX x (n6)', 'ALTER TABLE u ADD INDEX (n6)'],
    [
      'may be a column that was not converted',
      'ALTER TABLE u CONVERT TO CHARACTER SET utf8mb4',
      'ALTER TABLE u MODIFY COLUMN a text CHARACTER SET latin1',
    ],
    ['may be of a new table whose parts cannot be read', 'CREATE TABLE u LIKE v', 'ALTER TABLE u ADD COLUMN hand int'],
    ['may be of a plan that cannot be read', 'OPTIMIZE TABLE u', 'ALTER TABLE u DROP COLUMN hand'],
    [
      'is of the object, without a statement',
      'ALTER TABLE public.u ADD n6 int',
      '-- public.u: replica identity is FULL',
    ],
    [
      'is of a part of a new table, without a statement',
      'CREATE TABLE public.u (a int UNIQUE)',
      '-- public.u.u_a_key: index is not valid',
    ],
  ])('that %s', (_what, plan, left) => {
    expect(verdictOn(plan, left)).toBe('unverifiable');
  });

  it('that cannot be read, has another table, and names one of the plan', () => {
    const plan = [change('ALTER TABLE u ADD COLUMN n6 int')];
    const difference = [change('SWAP v WITH u', { table: 'v' })];
    expect(verify({ plan, difference, baseline: null }).unverifiable).toEqual(['SWAP v WITH u']);
  });

  it('unless it was there before the dispatch: the same clause, in the same place', () => {
    const plan = [change('ALTER TABLE u ADD COLUMN n6 int'), change('ALTER TABLE v ADD COLUMN n6 int', { table: 'v' })];
    const foreign = "COMMENT = 'by hand'";
    const before = [change(`ALTER TABLE u ${foreign}, ADD COLUMN n6 int`), change('ALTER TABLE u DROP COLUMN hand')];
    const baseline = baselineOf(plan, before);
    expect(baseline).toHaveLength(1);
    const left = [change(`ALTER TABLE u ${foreign}`)];
    expect(verify({ plan, difference: left, baseline })).toMatchObject({
      drift: [`${foreign} on u`],
      unverifiable: [],
    });
    const elsewhere = [change(`ALTER TABLE v ${foreign}`, { table: 'v' })];
    expect(verify({ plan, difference: elsewhere, baseline }).unverifiable).toEqual([`${foreign} on v`]);
    const other = [change("ALTER TABLE u COMMENT = 'by another hand'")];
    expect(verify({ plan, difference: other, baseline }).unverifiable).toHaveLength(1);
  });

  it('that stood in a baseline too long to be kept', () => {
    const plan = [change('ALTER TABLE u ADD COLUMN n6 int')];
    const long = [change(`ALTER TABLE u COMMENT = '${'x'.repeat(20_000)}'`)];
    expect(baselineOf(plan, long)).toEqual([]);
  });
});

describe('where a clause belongs', () => {
  const plan = [change('ALTER TABLE app.u ADD COLUMN n6 int', { namespace: 'app' })];
  const left = (ddl: string, namespace: string, table: string) =>
    verify({ plan, difference: [change(ddl, { namespace, table })], baseline: null });

  it('is what the engine says, and what the text says where the engine says nothing', () => {
    expect(left('ALTER TABLE u DROP COLUMN n6', 'other', 'u').drift).toHaveLength(1);
    expect(left('ALTER TABLE app.u DROP COLUMN n6', '', '').missing).toHaveLength(1);
    expect(left('ALTER TABLE v DROP COLUMN n6', '', '').drift).toHaveLength(1);
    expect(left('ALTER TABLE `U` DROP COLUMN n6', 'app', '').missing).toHaveLength(1);
    expect(left('ALTER TABLE app."U" DROP COLUMN n6', 'app', 'U').drift).toHaveLength(1);
  });

  it('is the schema itself for a difference of a schema', () => {
    const made = [change('CREATE SCHEMA s', { namespace: 's', table: 's' })];
    const difference = [change('-- schema s: comment is none, the files say x', { namespace: 's', table: 's' })];
    expect(verify({ plan: made, difference, baseline: null }).missing).toHaveLength(1);
    expect(verify({ plan, difference, baseline: null }).drift).toHaveLength(1);
  });

  it('is what each of several statements says for itself', () => {
    const two = 'ALTER TABLE app.v DROP CONSTRAINT c;\nALTER TABLE app.u ALTER COLUMN n6 TYPE int';
    expect(left(two, 'app', 'v')).toMatchObject({
      missing: ['ADD COLUMN n6 int on u'],
      drift: ['DROP CONSTRAINT c on v'],
    });
  });
});

/** Names and texts with everything in them that a splitter could stumble over. */
const NAME = fc.stringMatching(/^[a-z][a-z0-9 ,()';]{0,8}$/).map((name) => `h${name}`);
const TEXT = fc.stringMatching(/^[a-z ,()";`#-]{0,12}$/).map((text) => text.replaceAll('--', '-'));
const FOREIGN_CLAUSE = fc.oneof(
  NAME.map((name) => `DROP COLUMN \`${name}\``),
  fc.tuple(NAME, TEXT).map(([name, text]) => `ADD COLUMN \`${name}\` text /* a, b */ COMMENT '${text}'`),
  fc.tuple(NAME, TEXT).map(([name, text]) => `ALTER COLUMN "${name}" SET DEFAULT '${text}''s'`),
  fc.tuple(NAME, NAME).map(([name, other]) => `ADD INDEX \`${name}\` (\`${other}\`, (lower("${other}")))`),
  TEXT.map((text) => `COMMENT = '${text}'`),
);

describe('of any clauses, folded into one statement', () => {
  it('none is lost: what is cut comes together again', () => {
    fc.assert(
      fc.property(fc.uniqueArray(FOREIGN_CLAUSE, { minLength: 1, maxLength: 6 }), (clauses) => {
        const difference = [change(`ALTER TABLE u ${clauses.join(', ')}`)];
        const { missing, drift, unverifiable } = verify({ plan: [], difference, baseline: null });
        const shown = [...missing, ...drift, ...unverifiable].map((text) => text.replace(/ on u$/, ''));
        const withoutComments = clauses.map((clause) => clause.replace(' /* a, b */', ''));
        expect(shown.toSorted()).toEqual([...new Set(withoutComments)].toSorted());
      }),
    );
  });

  it('one of the plan is found missing, wherever it stands', () => {
    const planned = fc.constantFrom(
      'ADD COLUMN n6 int',
      'DROP COLUMN n6',
      'ADD UNIQUE INDEX n6 (a, b)',
      'AUTO_INCREMENT = 7',
    );
    const clauses = fc.array(FOREIGN_CLAUSE, { maxLength: 5 });
    fc.assert(
      fc.property(planned, clauses, clauses, (mine, before, after) => {
        const difference = [change(`ALTER TABLE \`u\` ${[...before, mine, ...after].join(' ,')}`)];
        const plan = [change(`ALTER TABLE u ${mine};`)];
        expect(verify({ plan, difference, baseline: null }).missing).toContain(`${mine} on u`);
      }),
    );
  });
});

describe('a thousand statements', () => {
  it('are compared with a thousand others, part by part', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `t${index}`);
    const plan = names.map((table) => change(`ALTER TABLE ${table} ADD COLUMN n6 int`, { table }));
    const difference = names.map((table) => change(`ALTER TABLE ${table} DROP hand, MODIFY n6 int`, { table }));
    const { missing, drift } = verify({ plan, difference, baseline: null });
    expect([missing.length, drift.length]).toEqual([1_000, 1_000]);
  });

  it('are shown in a few lines', () => {
    const shown = shortened(Array.from({ length: 1_000 }, (_, index) => `DROP COLUMN c${index}\n on u`));
    expect(shown.join('').length).toBeLessThan(1_000);
    expect(shown[0]).toBe('DROP COLUMN c0 on u');
    expect(shown.at(-1)).toMatch(/^… and 9\d\d more$/);
  });
});
