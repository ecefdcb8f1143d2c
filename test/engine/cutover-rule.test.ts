import { buildFactBase, type Fact } from '@supabase/pg-delta/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { ddlOf, type Step } from '../../engine/postgres/planning/change.js';
import {
  CUTOVER_RULES,
  type CutoverKind,
  cutoverKindOf,
  sayWhatWaits,
  stepsWithReasons,
} from '../../engine/postgres/planning/cutover-rule.js';
import type { PlanItem } from '../../engine/postgres/planning/plan-item.js';
import { loadParser } from '../../engine/postgres/planning/sql.js';

beforeAll(loadParser);

function build(rest: string, index = 'i'): Step {
  const definition = rest.startsWith('CREATE') ? rest : `CREATE INDEX ${index} ON public.orders USING btree ${rest}`;
  const statement = definition.replace('INDEX', 'INDEX CONCURRENTLY');
  return { kind: 'build_index', statement, schema: 'public', index, definition };
}

function run(statement: string, scans = false): Step {
  return { kind: 'transaction', statement, scans, undo: null };
}

const VALIDATE = run('ALTER TABLE "public"."orders" VALIDATE CONSTRAINT "c"', true);
const ADD_COLUMN = run('ALTER TABLE "public"."orders" ADD COLUMN "note" text');

const KINDS: readonly (readonly [CutoverKind, Step])[] = [
  ['index_build', build('(name)')],
  ['index_build', build('(name, size DESC) INCLUDE (age)')],
  ['index_build', build('(lower((name)::text))')],
  ['index_build', build("(COALESCE(name, 'none'::text))")],
  ['index_build', build("(id) WHERE ((deleted_at IS NULL) AND (state = ANY (ARRAY['a'::text, 'b'::text])))")],
  ['index_build', build('(id) WHERE ((size > 3) AND (NOT (done IS TRUE)))')],
  ['index_build', build('CREATE INDEX i ON public.orders USING gin (tags)')],
  ['unique_index_build', build('CREATE UNIQUE INDEX i ON public.orders USING btree (name)')],
  ['unique_index_build', build('CREATE UNIQUE INDEX "i" ON "public"."orders" USING btree ("a") WHERE (a IS NULL)')],
  ['refusing_index_build', build('((1 / size))')],
  ['refusing_index_build', build('(((name)::integer))')],
  ['refusing_index_build', build('(public.lower(name))')],
  ['refusing_index_build', build('(id) WHERE (public.is_open(state))')],
  [
    'index_drop',
    { kind: 'drop_index', statement: 'DROP INDEX CONCURRENTLY "public"."i"', schema: 'public', index: 'i' },
  ],
  ['validation', VALIDATE],
  ['long_creation', run('CREATE MATERIALIZED VIEW public.m AS SELECT 1 AS one', true)],
  ['long_creation', run('CREATE EXTENSION "pg_trgm"', true)],
  ['brief', ADD_COLUMN],
  ['brief', run('ALTER TABLE "public"."orders" DROP COLUMN "note"')],
  ['brief', run('ALTER TABLE "public"."orders" ADD CONSTRAINT "c" CHECK (a > 0) NOT VALID')],
  ['brief', run('ALTER TABLE "public"."orders" ADD CONSTRAINT "u" UNIQUE USING INDEX "u"')],
  ['brief', run('ALTER TABLE "public"."orders" ALTER COLUMN "a" SET NOT NULL')],
  ['brief', run('ALTER TABLE "public"."orders" ALTER COLUMN "a" SET DEFAULT 3')],
  ['brief', run('DROP INDEX "public"."i";\nALTER INDEX "public"."i_skein_new" RENAME TO "i"')],
  ['brief', run('CREATE TABLE "public"."t" (id bigint)')],
  ['brief', run('DROP TABLE "public"."t"')],
  ['brief', run('CREATE VIEW public.v AS SELECT 1 AS one')],
  ['brief', run('DROP VIEW public.v;\nCREATE VIEW public.v AS SELECT 2 AS two')],
  ['brief', run("COMMENT ON TABLE public.t IS 'x'")],
];

describe('the kind of a step', () => {
  it.each(KINDS.map(([kind, step]) => ({ kind, step })))('$kind: $step.statement', ({ kind, step }) => {
    expect(cutoverKindOf(step)).toBe(kind);
  });
  it('has an example of every rule, and every rule its reason', () => {
    expect(new Set(KINDS.map(([kind]) => kind))).toEqual(new Set(Object.keys(CUTOVER_RULES)));
    expect(Object.values(CUTOVER_RULES).every(({ reason }) => reason !== '')).toBe(true);
  });
  it('lets two kinds run before the cutover, and no other', () => {
    const before = Object.entries(CUTOVER_RULES).flatMap(([kind, { waits }]) => (waits ? [] : [kind]));
    expect(before).toEqual(['index_build', 'validation']);
  });
});

/** Which steps wait, by their order. */
function waiting(steps: readonly Step[]): readonly boolean[] {
  return stepsWithReasons(steps).map(({ waitsBecause }) => waitsBecause !== undefined);
}

describe('the steps of one change', () => {
  it('that validate what an earlier one adds wait with it, and say so', () => {
    const add = run('ALTER TABLE "public"."orders" ADD CONSTRAINT "c" CHECK (a > 0) NOT VALID');
    const [first, second] = stepsWithReasons([add, VALIDATE]);
    expect(first?.waitsBecause).toBe(CUTOVER_RULES.brief.reason);
    expect(second?.waitsBecause).toBe(`it comes after a step that waits: ${add.statement}`);
  });
  it('that build the successor of an index run before, and the swap waits', () => {
    const swap = run('DROP INDEX "public"."i";\nALTER INDEX "public"."i_skein_new" RENAME TO "i"');
    expect(waiting([build('(a, b)', 'i_skein_new'), swap])).toEqual([false, true]);
  });
  it('that make a UNIQUE constraint all wait', () => {
    const index = build('CREATE UNIQUE INDEX u ON public.orders USING btree (a)');
    expect(waiting([index, run('ALTER TABLE orders ADD CONSTRAINT u UNIQUE USING INDEX u')])).toEqual([true, true]);
  });
  it('that only validate do not wait', () => {
    expect(waiting([VALIDATE])).toEqual([false]);
  });
});

const ORDERS = { kind: 'table', schema: 'public', name: 'orders' } as const;
const column = (name: string) => ({ kind: 'column', schema: 'public', table: 'orders', name }) as const;
const index = (name: string) => ({ kind: 'index', schema: 'public', name }) as const;

const FACTS: readonly Fact[] = [
  { id: { kind: 'schema', name: 'public' }, payload: {} },
  { id: ORDERS, payload: {}, parent: { kind: 'schema', name: 'public' } },
  { id: column('name'), payload: {}, parent: ORDERS },
];
const DESIRED = buildFactBase(
  [
    ...FACTS,
    { id: column('note'), payload: {}, parent: ORDERS },
    { id: index('on_name'), payload: {}, parent: ORDERS },
    { id: index('on_note'), payload: {}, parent: ORDERS },
  ],
  [
    { from: index('on_name'), to: column('name'), kind: 'depends' },
    { from: index('on_note'), to: column('note'), kind: 'depends' },
  ],
);

/** A change of one step that creates an object, or alters it. */
function item(step: Step, id: string, verb: 'creates' | 'alters' = 'creates'): PlanItem {
  const table = {
    namespace: 'public',
    table: 'orders',
    kind: 'alter',
    blockedReason: null,
  } as const;
  return {
    change: { ...table, ddl: ddlOf([step]), steps: [step] },
    reasons: [],
    produces: verb === 'creates' ? [id] : [],
    destroys: [],
    writes: new Set([id]),
  };
}

describe('the changes of a plan', () => {
  const live = buildFactBase([...FACTS], []);
  const reasons = (items: readonly PlanItem[], liveFacts = live) =>
    sayWhatWaits(items, liveFacts, DESIRED).map(({ change }) => change.steps[0]?.waitsBecause ?? null);
  const addColumn = item(ADD_COLUMN, 'column:public.orders.note');
  const onName = item(build('(name)', 'on_name'), 'index:public.on_name');
  const onNote = item(build('(note)', 'on_note'), 'index:public.on_note');

  it('that rest on one that waits wait with it, and the others do not', () => {
    expect(reasons([addColumn, onName, onNote])).toEqual([
      CUTOVER_RULES.brief.reason,
      null,
      `it rests on another change that waits: ${ADD_COLUMN.statement}`,
    ]);
  });
  it.each([
    ['a type', 'ALTER TABLE "public"."orders" ALTER COLUMN "name" TYPE text', 'column:public.orders.name', true],
    ['NOT NULL', 'ALTER TABLE "public"."orders" ALTER COLUMN "name" SET NOT NULL', 'column:public.orders.name', false],
    ['row security', 'ALTER TABLE "public"."orders" ENABLE ROW LEVEL SECURITY', 'table:public.orders', false],
  ])('wait for a column that gets another type, and for no other property of it: %s', (_what, statement, id, waits) => {
    expect(reasons([item(run(statement), id, 'alters'), onName])[1] !== null).toBe(waits);
  });
  it('wait for a name that something else has until then', () => {
    const withOld = buildFactBase([...FACTS, { id: index('on_name'), payload: {}, parent: ORDERS }], []);
    expect(reasons([onName], withOld)).toEqual(['the name on_name is taken until then']);
  });
});
