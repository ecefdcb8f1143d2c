import { beforeAll, describe, expect, it } from 'vitest';
import type { LiveFacts } from '../../engine/postgres/planning/live-facts.js';
import { lossesOf } from '../../engine/postgres/planning/loss.js';
import { loadParser, parseStatement } from '../../engine/postgres/planning/sql.js';
import { judgeStatement } from '../../engine/postgres/planning/statement-rule.js';

const FACTS: LiveFacts = {
  serverMajor: 18,
  isNewTable: (_schema, table) => table === 'brand_new',
  isPartitioned: (_schema, table) => table === 'partitioned',
  tableOfIndex: () => 'orders',
  isValidIndex: (_schema, index) => index !== 'unfinished',
  columnType: () => 'integer',
  hasDefault: () => false,
  typeChangeObstacle: () => null,
  isDomain: (_schema, name) => name === 'positive',
  isSequence: (_schema, name) => name === 'old_numbers',
  unvalidatedNotNull: (_schema, _table, column) => (column === 'half_done' ? 'orders_half_done_not_null' : null),
};

beforeAll(loadParser);

function judge(statement: string, facts: Partial<LiveFacts> = {}) {
  return judgeStatement(statement, parseStatement(statement), { ...FACTS, ...facts });
}

/** The statements that would run, with a mark for how. */
function steps(statement: string, facts: Partial<LiveFacts> = {}): readonly string[] {
  const verdict = judge(statement, facts);
  expect(verdict.blockedReason).toBeNull();
  return verdict.steps.map(
    (step) => `${step.kind === 'transaction' ? (step.scans ? 'scan' : 'brief') : step.kind}: ${step.statement}`,
  );
}

describe('statements that run as they are', () => {
  it.each([
    'ALTER TABLE public.orders ADD COLUMN note text',
    `ALTER TABLE public.orders ADD COLUMN note text NOT NULL DEFAULT 'none'`,
    `ALTER TABLE public.orders ADD COLUMN tags text[] DEFAULT '{}'::text[]`,
    'ALTER TABLE public.orders ADD COLUMN rank integer DEFAULT -1',
    'ALTER TABLE public.orders ADD COLUMN at timestamptz DEFAULT now()',
    'ALTER TABLE public.orders ADD COLUMN at timestamptz DEFAULT CURRENT_TIMESTAMP',
    'ALTER TABLE public.orders ADD COLUMN twice integer GENERATED ALWAYS AS (rank * 2) VIRTUAL',
    'ALTER TABLE public.orders ALTER COLUMN note SET DEFAULT gen_random_uuid()',
    'ALTER TABLE public.orders ALTER COLUMN note DROP NOT NULL',
    `ALTER TABLE public.orders ALTER COLUMN id SET DEFAULT nextval('public.old_numbers'::regclass)`,
    'ALTER TABLE public.brand_new ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY',
    'ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY',
    'CREATE TABLE public.orders (id bigint)',
    'CREATE INDEX i ON public.brand_new USING btree (id)',
    'ALTER TABLE public.brand_new ADD CONSTRAINT u UNIQUE (id)',
    'ALTER TABLE public.brand_new ALTER COLUMN id SET NOT NULL',
    `COMMENT ON TABLE public.orders IS 'x'`,
    `CREATE TYPE public.mood AS ENUM ('a')`,
    `ALTER TYPE public.mood ADD VALUE 'b'`,
    'CREATE VIEW public.v AS SELECT 1 AS one',
  ])('%s', (statement) => {
    expect(steps(statement)).toEqual([`brief: ${statement}`]);
    expect(lossesOf(judge(statement).steps, FACTS)).toEqual([]);
  });
});

describe('statements that become several steps', () => {
  it('builds an index concurrently and remembers what it must look like', () => {
    const statement = 'CREATE UNIQUE INDEX i ON public.orders USING btree (id) WHERE (id > 3)';
    expect(judge(statement).steps).toEqual([
      {
        kind: 'build_index',
        statement: 'CREATE UNIQUE INDEX CONCURRENTLY i ON public.orders USING btree (id) WHERE (id > 3)',
        schema: 'public',
        index: 'i',
        definition: statement,
      },
    ]);
  });
  it('drops an index concurrently', () => {
    expect(steps('DROP INDEX "public"."i"')).toEqual(['drop_index: DROP INDEX CONCURRENTLY "public"."i"']);
  });
  it('adds a check without a scan and validates it afterwards, and can take it back', () => {
    const statement = 'ALTER TABLE "public"."orders" ADD CONSTRAINT "c" CHECK ((rank > 0))';
    expect(steps(statement)).toEqual([
      `brief: ${statement} NOT VALID`,
      'scan: ALTER TABLE "public"."orders" VALIDATE CONSTRAINT "c"',
    ]);
    expect(judge(statement).steps[0]).toMatchObject({ undo: 'ALTER TABLE "public"."orders" DROP CONSTRAINT "c"' });
  });
  it('adds a foreign key the same way', () => {
    const statement = 'ALTER TABLE "public"."orders" ADD CONSTRAINT "f" FOREIGN KEY (a) REFERENCES public.b(id)';
    expect(steps(statement)).toEqual([
      `brief: ${statement} NOT VALID`,
      'scan: ALTER TABLE "public"."orders" VALIDATE CONSTRAINT "f"',
    ]);
  });
  it('builds the index of a unique constraint first', () => {
    expect(
      steps(
        'ALTER TABLE "public"."orders" ADD CONSTRAINT "u" UNIQUE NULLS NOT DISTINCT (a, "B") INCLUDE (c) DEFERRABLE INITIALLY DEFERRED',
      ),
    ).toEqual([
      'build_index: CREATE UNIQUE INDEX CONCURRENTLY "u" ON "public"."orders" USING btree ("a", "B") INCLUDE ("c") NULLS NOT DISTINCT',
      'brief: ALTER TABLE "public"."orders" ADD CONSTRAINT "u" UNIQUE USING INDEX "u" DEFERRABLE INITIALLY DEFERRED',
    ]);
  });
  it('sets NOT NULL with a constraint that is validated afterwards', () => {
    expect(steps('ALTER TABLE "public"."orders" ALTER COLUMN "rank" SET NOT NULL')).toEqual([
      'brief: ALTER TABLE "public"."orders" ADD CONSTRAINT "orders_rank_not_null" NOT NULL "rank" NOT VALID',
      'scan: ALTER TABLE "public"."orders" VALIDATE CONSTRAINT "orders_rank_not_null"',
    ]);
  });
  it('sets NOT NULL before PostgreSQL 18 with a check that proves it', () => {
    expect(steps('ALTER TABLE "public"."orders" ALTER COLUMN "rank" SET NOT NULL', { serverMajor: 17 })).toEqual([
      'brief: ALTER TABLE "public"."orders" ADD CONSTRAINT "orders_rank_not_null" CHECK ("rank" IS NOT NULL) NOT VALID',
      'scan: ALTER TABLE "public"."orders" VALIDATE CONSTRAINT "orders_rank_not_null"',
      'brief: ALTER TABLE "public"."orders" ALTER COLUMN "rank" SET NOT NULL',
      'brief: ALTER TABLE "public"."orders" DROP CONSTRAINT "orders_rank_not_null"',
    ]);
  });
  it('only validates a NOT NULL that was added before', () => {
    expect(steps('ALTER TABLE "public"."orders" ALTER COLUMN "half_done" SET NOT NULL')).toEqual([
      'scan: ALTER TABLE "public"."orders" VALIDATE CONSTRAINT "orders_half_done_not_null"',
    ]);
  });
});

describe('statements that would hold writers up, or are not known not to', () => {
  it.each([
    ['ALTER TABLE public.orders ADD COLUMN id2 uuid DEFAULT gen_random_uuid()', 'row to row'],
    ["ALTER TABLE public.orders ADD COLUMN n bigint DEFAULT nextval('s')", 'row to row'],
    ['ALTER TABLE public.orders ADD COLUMN n bigint DEFAULT 1 + random()', 'row to row'],
    ['ALTER TABLE public.orders ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY', 'identity'],
    ['ALTER TABLE public.orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY', 'would begin at 1'],
    [
      `ALTER TABLE public.orders ALTER COLUMN id SET DEFAULT nextval('public."New numbers"'::regclass)`,
      'the new sequence public.New numbers, which would begin at 1',
    ],
    ['ALTER TABLE public.orders ADD COLUMN n bigint GENERATED ALWAYS AS (id * 2) STORED', 'stored'],
    ['ALTER TABLE public.orders ADD COLUMN n public.positive', 'domain'],
    ['ALTER TABLE public.orders ADD COLUMN n bigint NOT NULL', 'without a default'],
    ['ALTER TABLE public.orders ADD CONSTRAINT p PRIMARY KEY (id)', 'PRIMARY KEY'],
    ['ALTER TABLE public.orders ADD CONSTRAINT x EXCLUDE USING gist (a WITH =)', 'EXCLUDE'],
    ['ALTER TABLE public.orders SET LOGGED', 'rewrites'],
    ['ALTER TABLE public.orders ATTACH PARTITION public.p DEFAULT', 'scans'],
    ['CREATE TABLE public.p PARTITION OF public.orders DEFAULT', 'partition'],
    ['CREATE INDEX i ON public.partitioned USING btree (a)', 'partitioned'],
    ['ALTER DOMAIN public.positive ADD CONSTRAINT c CHECK (VALUE > 0)', 'domain'],
    ['CLUSTER public.orders', 'not known to be online'],
    ['VACUUM FULL public.orders', 'not known to be online'],
    ['ALTER TABLE public.orders OWNER TO somebody', 'not known to be online'],
    ['GRANT SELECT ON public.orders TO somebody', 'not known to be online'],
  ])('%s is blocked', (statement, reason) => {
    const verdict = judge(statement);
    expect(verdict.blockedReason).toContain(reason);
    expect(verdict.steps).toEqual([]);
  });
});
