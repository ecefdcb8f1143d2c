import { buildFactBase } from '@supabase/pg-delta/core';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '../../engine/postgres/planning/change.js';
import { difference } from '../../engine/postgres/planning/difference.js';
import type { LiveCatalogue } from '../../engine/postgres/planning/live-catalogue.js';
import { finished, type PlanItem } from '../../engine/postgres/planning/plan-item.js';
import { rebuildInPlace } from '../../engine/postgres/planning/rebuild-rule.js';
import { loadParser } from '../../engine/postgres/planning/sql.js';
import { sayWhatIsMissing, swapInPlace } from '../../engine/postgres/planning/swap-rule.js';
import { catalogueOf, factsOf, type SchemaModel, type TableModel } from './schema-facts.js';

beforeAll(loadParser);

const SELECTION = { namespaces: new Set(['public']), ignoredTables: new Set<string>() };
/** Said plainly, and without the parser that the engine uses. */
const DELETES = /\bDROP (?:TABLE|COLUMN|SEQUENCE|MATERIALIZED VIEW|IDENTITY)\b/;

const TABLE: TableModel = {
  collation: null,
  defaultOf: null,
  hasSecondColumn: false,
  partitionKey: null,
  ownsSequence: false,
  policy: null,
  trigger: null,
  view: null,
  materializedView: null,
  check: null,
  comment: null,
  rowSecurity: false,
};

const maybe = (...values: readonly string[]) => fc.constantFrom(null, ...values);
const table: fc.Arbitrary<TableModel> = fc.record({
  collation: maybe('pg_catalog."C"'),
  defaultOf: maybe("'x'::text", "'y'::text"),
  hasSecondColumn: fc.boolean(),
  partitionKey: maybe('LIST (k)', 'HASH (k)'),
  ownsSequence: fc.boolean(),
  policy: maybe("(k = 'a'::text)", "(k = 'b'::text)"),
  trigger: maybe('BEFORE INSERT', 'BEFORE UPDATE'),
  view: maybe('one', 'two'),
  materializedView: maybe('one', 'two'),
  check: maybe("(k > 'a'::text)", "(k > 'b'::text)"),
  comment: maybe('first', 'second'),
  rowSecurity: fc.boolean(),
});
const schema: fc.Arbitrary<SchemaModel> = fc.record({ a: fc.option(table), b: fc.option(table) });

function planned(live: LiveCatalogue, desired: LiveCatalogue, selection = SELECTION): readonly Change[] {
  return difference(live, desired, selection).map(({ change }) => change);
}

function statementsOf(changes: readonly Change[]): readonly string[] {
  return changes.flatMap((change) => change.steps.flatMap((step) => step.statement.split(';\n')));
}

/** Tables that are there when statement after statement has run; throws where one is impossible. */
function carriedOut(before: SchemaModel, statements: readonly string[]): ReadonlySet<string> {
  const there = new Set(Object.keys(before).filter((name) => before[name] !== null));
  const views = new Set(['a', 'b'].filter((name) => before[name]?.view != null));
  for (const statement of statements) {
    const [, verb, kind, name = ''] = /^(CREATE|DROP) (TABLE|VIEW) "public"\."(?:v_)?([ab])"/.exec(statement) ?? [];
    if (kind === undefined) continue;
    const objects = kind === 'TABLE' ? there : views;
    if (objects.has(name) === (verb === 'CREATE')) throw new Error(`cannot run: ${statement}`);
    if (kind === 'TABLE' && verb === 'DROP' && views.has(name)) throw new Error(`a view rests on it: ${statement}`);
    if (verb === 'CREATE') objects.add(name);
    else objects.delete(name);
  }
  return there;
}

/** Hundreds of plans, on a machine that may have other things to do. */
const LIMIT = { timeout: 60_000 };

describe('the plan from any schema to any other', LIMIT, () => {
  it('says of everything that deletes data that it does, wherever it stands, in an order that can be run', () => {
    let deleting = 0;
    fc.assert(
      fc.property(schema, schema, (live, desired) => {
        const changes = planned(catalogueOf(live), catalogueOf(desired));
        for (const change of changes) {
          if (!DELETES.test(change.ddl)) continue;
          deleting += 1;
          expect(change.unsafeReason ?? change.blockedReason, change.ddl).not.toBeNull();
        }
        if (changes.some((change) => change.blockedReason !== null)) return;
        const wanted = new Set(Object.keys(desired).filter((name) => desired[name] !== null));
        expect(carriedOut(live, statementsOf(changes))).toEqual(wanted);
      }),
      { numRuns: 150 },
    );
    expect(deleting).toBeGreaterThan(30);
  });

  it.each<[string, Partial<TableModel>, Partial<TableModel>, RegExp]>([
    [
      'a collation under a default',
      { defaultOf: '1' },
      { defaultOf: '1', collation: 'pg_catalog."C"' },
      /deletes its values/,
    ],
    [
      'a partition key under a default',
      { defaultOf: '1' },
      { defaultOf: '1', partitionKey: 'LIST (k)' },
      /deletes its rows/,
    ],
    ['a partition key that goes', { policy: 'true', partitionKey: 'LIST (k)' }, { policy: 'true' }, /deletes its rows/],
    [
      'a partition key under a trigger',
      { trigger: 'BEFORE INSERT' },
      { trigger: 'BEFORE INSERT', partitionKey: 'LIST (k)' },
      /deletes its rows/,
    ],
    [
      'a partition key under a check',
      { check: '(true)' },
      { check: '(true)', partitionKey: 'LIST (k)' },
      /deletes its rows/,
    ],
    [
      'a partition key under a view',
      { view: 'one' },
      { view: 'one', partitionKey: 'LIST (k)' },
      /relies on the old one[^;]*; .*deletes its rows/,
    ],
    [
      'a collation under a view',
      { view: 'one' },
      { view: 'one', collation: 'pg_catalog."C"' },
      /relies on the old one[^;]*; .*deletes its values/,
    ],
    [
      'a partition key of an owner',
      { ownsSequence: true },
      { ownsSequence: true, partitionKey: 'LIST (k)' },
      /deletes its rows.*sequence public\.a_seq goes with it/,
    ],
    [
      'a collation of an owner',
      { ownsSequence: true },
      { ownsSequence: true, collation: 'pg_catalog."C"' },
      /deletes its values.*sequence public\.a_seq goes with it/,
    ],
  ])('is one transaction that says what is lost: %s', (_what, live, desired, reason) => {
    const before = { a: { ...TABLE, ...live } };
    const [change] = planned(catalogueOf(before), catalogueOf({ a: { ...TABLE, ...desired } }));
    expect(change?.blockedReason).toBeNull();
    expect(change?.steps).toHaveLength(1);
    expect(change?.unsafeReason).toMatch(reason);
  });

  it('is never a table without its row security: that comes back in the same transaction', () => {
    const secured = { ...TABLE, policy: 'true', rowSecurity: true };
    const changes = planned(catalogueOf({ a: secured }), catalogueOf({ a: { ...secured, partitionKey: 'LIST (k)' } }));
    expect(changes).toHaveLength(1);
    expect(changes[0]?.ddl).toMatch(/^DROP TABLE [^]*CREATE POLICY [^]*ENABLE ROW LEVEL SECURITY/);
  });

  it.each([
    ['a column of its row type', SELECTION, /public\.b\.k, which rests on it, would lose its data as well/],
    [
      'what is not part of the plan',
      { ...SELECTION, ignoredTables: new Set(['b']) },
      /column public\.b\.k rests on it, which is not part of this plan/,
    ],
  ])('is refused where this stands in the way: %s', (_what, selection, reason) => {
    const live = catalogueOf({ a: TABLE, b: TABLE });
    const rests = {
      from: { kind: 'column', schema: 'public', table: 'b', name: 'k' },
      to: { kind: 'table', schema: 'public', name: 'a' },
      kind: 'depends',
    } as const;
    const facts = buildFactBase(live.facts.facts(), [...live.facts.edges, rests]);
    const desired = catalogueOf({ a: { ...TABLE, partitionKey: 'LIST (k)' }, b: TABLE });
    const blocked = planned({ ...live, facts }, desired, selection).flatMap((change) => change.blockedReason ?? []);
    expect(blocked).toEqual([expect.stringMatching(reason)]);
    expect(blocked[0]).toContain('public.a would have to be dropped and created anew');
  });
});

/** An item of a plan that says of itself why it needs consent. */
function itemOf(
  statement: string,
  ids: { creates?: readonly string[]; drops?: readonly string[] },
  reason: string,
): PlanItem {
  const { creates = [], drops = [] } = ids;
  const steps = [{ kind: 'transaction', statement, scans: false, undo: null }] as const;
  return {
    change: { namespace: 'public', table: 't', kind: 'alter', ddl: statement, blockedReason: null, steps },
    reasons: [reason],
    produces: creates,
    destroys: drops,
    writes: new Set([...creates, ...drops]),
  };
}

type Piece = readonly [string, { creates?: readonly string[]; drops?: readonly string[] }];
const PIECES: readonly Piece[] = [
  [
    'DROP TABLE "public"."a"',
    { drops: ['table:public.a', 'default:public.a.k', 'constraint:public.a.c', 'policy:public.a.p'] },
  ],
  ['CREATE TABLE "public"."a" ("k" text)', { creates: ['table:public.a'] }],
  ['ALTER TABLE "public"."a" DROP COLUMN "k"', { drops: ['column:public.a.k', 'default:public.a.k'] }],
  ['ALTER TABLE "public"."a" ADD COLUMN "k" text DEFAULT 1', { creates: ['column:public.a.k', 'default:public.a.k'] }],
  ['ALTER TABLE "public"."a" ALTER COLUMN "k" DROP DEFAULT', { drops: ['default:public.a.k'] }],
  ['ALTER TABLE "public"."a" ALTER COLUMN "k" SET DEFAULT 2', { creates: ['default:public.a.k'] }],
  ['DROP POLICY "p" ON "public"."a"', { drops: ['policy:public.a.p'] }],
  ['CREATE POLICY "p" ON "public"."a" USING (true)', { creates: ['policy:public.a.p'] }],
  ['DROP VIEW "public"."v_a"', { drops: ['view:public.v_a'] }],
  ['CREATE VIEW "public"."v_a" AS SELECT 1 AS one', { creates: ['view:public.v_a'] }],
  ['DROP SEQUENCE "public"."a_seq"', { drops: ['sequence:public.a_seq'] }],
  ['CREATE SEQUENCE "public"."a_seq"', { creates: ['sequence:public.a_seq'] }],
  ['DROP MATERIALIZED VIEW "public"."m_a"', { drops: ['materializedView:public.m_a'] }],
  ['ALTER TABLE "public"."a" DROP CONSTRAINT "c"', { drops: ['constraint:public.a.c'] }],
  ['ALTER TABLE "public"."a" ADD CONSTRAINT "c" CHECK (true)', { creates: ['constraint:public.a.c'] }],
];

it('a column that comes back later than it goes is missing, and loses its privileges', () => {
  const items = [
    itemOf('ALTER TABLE "public"."a" DROP COLUMN "k"', { drops: ['column:public.a.k', 'default:public.a.k'] }, ''),
    itemOf('CREATE TYPE "public"."e" AS ENUM ()', { creates: ['type:public.e'] }, ''),
    itemOf('ALTER TABLE "public"."a" ADD COLUMN "k" public.e', { creates: ['column:public.a.k'] }, ''),
  ];
  const told = sayWhatIsMissing(items).map(({ reasons }) => reasons.join(''));
  expect(told).toEqual([
    expect.stringMatching(/is missing until then, and loses the privileges granted on it$/),
    '',
    '',
  ]);
});

it('no rule loses a reason or a statement, in whatever order a plan comes to it', LIMIT, () => {
  const full = { ...TABLE, defaultOf: '1', policy: 'true', view: 'one', materializedView: 'one', check: '(true)' };
  const facts = factsOf({ a: { ...full, ownsSequence: true } });
  const order = fc.array(fc.constantFrom(...PIECES), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(order, fc.boolean(), (pieces, isAnew) => {
      const items = pieces.map(([statement, ids], position) => itemOf(statement, ids, `reason ${position};`));
      const inside = new Set(isAnew ? items.flatMap((item) => item.destroys) : []);
      const rebuilt = rebuildInPlace(items, facts);
      const changes = sayWhatIsMissing(swapInPlace(rebuilt, facts, facts, inside)).map(
        (item) => finished(item, { isValidIndex: () => true }).change,
      );
      const told = changes.map((change) => change.unsafeReason ?? '').join('\n');
      const run = statementsOf(changes);
      for (const [position, [statement]] of pieces.entries()) {
        expect(told).toContain(`reason ${position};`);
        expect(run).toContain(statement);
      }
      for (const change of changes) {
        const own = change.unsafeReason?.replaceAll(/reason \d+;/g, '') ?? '';
        if (DELETES.test(change.ddl)) expect(own, change.ddl).toMatch(/delet|loses|lost|what it holds/);
      }
    }),
    { numRuns: 500 },
  );
});
