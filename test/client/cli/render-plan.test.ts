import { Chalk } from 'chalk';
import { describe, expect, test } from 'vitest';
import { renderPlan } from '../../../client/cli/render-plan.js';
import { reviewPlans } from '../../../client/plan.js';
import type { RolloutSpec } from '../../../domain/spec.js';
import { ROLLOUT, SCHEMA_FILES, answer, change, spec } from '../builders.js';

test('a plan shows its statements per class, hazards, leftovers and the effective numbers', () => {
  const changes = [
    change('ALTER TABLE orders ADD COLUMN note text'),
    change('DROP TABLE old;', { table: 'old', unsafe: true, unsafeReason: 'drops a table' }),
    change('ALTER TABLE orders\n  ALTER COLUMN id TYPE int', { blocked: true, modeReason: 'rewrites the table' }),
  ];
  const busy = answer('eu', changes);
  const plan = reviewPlans(
    {
      spec: spec({ rollout: { ...ROLLOUT, maxConcurrency: '50%', onFailure: 'pause', failureTolerance: 1 } }),
      schemaFiles: SCHEMA_FILES,
    },
    {
      answers: [
        {
          ...busy,
          plan: busy.plan && {
            ...busy.plan,
            lintViolations: [{ message: 'has no primary key', table: 'orders', severity: 'warning' }],
            leftovers: [
              { namespace: 'public', tables: ['_orders_new'], disposition: 'discard', reason: '', ageSeconds: '60' },
            ],
          },
        },
        answer('us', changes),
        answer('ap', []),
      ],
    },
    '2026-01-01T00:00:00.000Z',
  );
  const text = renderPlan(plan, new Chalk({ level: 0 }));
  expect(text.replaceAll(/plan [0-9a-f]{12}/g, 'plan <digest>')).toMatchInlineSnapshot(`
    "orders, production: 3 deployments, postgres (postgres)

    eu, us  plan <digest>
      ALTER TABLE orders ADD COLUMN note text;
      DROP TABLE old;
        unsafe: drops a table
      ALTER TABLE orders
        ALTER COLUMN id TYPE int;
        blocked: rewrites the table
      lint warning  orders: has no primary key (eu)
      left over  public: _orders_new (discard)

    ap: nothing to do, the schema is there already

    Rollout (onFailure pause, inFlight finish, cutover rolling):
      eu, us, ap; 1 at a time; pause after 2 setbacks (failureTolerance 1)"
  `);
});

const PLAIN = new Chalk({ level: 0 });

test('a difference without a statement is no statement: no semicolon, and no rows that it would touch', () => {
  const ddl = '-- public.t.c: generated kind is STORED, the files say VIRTUAL';
  const changes = [change(ddl, { blocked: true, modeReason: 'change it by hand', estimatedRows: '200000' })];
  const plan = reviewPlans(
    { spec: spec({ rollout: ROLLOUT }, ['eu']), schemaFiles: SCHEMA_FILES },
    { answers: [answer('eu', changes)] },
    '2026-01-01T00:00:00.000Z',
  );
  expect(renderPlan(plan, PLAIN)).toContain(`\n  ${ddl}\n    blocked: change it by hand\n`);
});

/** The plan of one statement on every deployment, with the given row counts. */
function planOf(rows: Readonly<Record<string, string | null>>, rollout: Partial<RolloutSpec> = {}): string {
  const names = Object.keys(rows);
  const answers = names.map((name) =>
    answer(name, [change('ALTER TABLE orders ADD COLUMN note text', { estimatedRows: rows[name] ?? null })]),
  );
  const given = spec({ rollout: { ...ROLLOUT, ...rollout } }, names);
  return renderPlan(
    reviewPlans({ spec: given, schemaFiles: SCHEMA_FILES }, { answers }, '2026-01-01T00:00:00.000Z'),
    PLAIN,
  );
}

describe('the rows of a statement', () => {
  test('are shown as the engine estimates them, and as a range where deployments differ', () => {
    expect(planOf({ eu: '3000000' })).toContain('note text;\n    about 3,000,000 rows\n');
    expect(planOf({ eu: '3000000', us: '120', ap: null })).toContain('    about 120 to 3,000,000 rows\n');
    expect(planOf({ eu: '9223372036854775807' })).toContain('    about 9,223,372,036,854,775,807 rows\n');
  });

  test('are not shown where no engine says', () => {
    expect(planOf({ eu: null })).not.toContain('rows');
  });
});

describe('the waves of a plan', () => {
  test('are shown with the numbers that will apply in each, and what is waited for between them', () => {
    const waves = [
      { name: 'canary', deployments: ['d0'], bakeTimeMs: 1_800_000, gate: 'auto', expiresAfterMs: null },
      {
        name: 'rest',
        deployments: ['d1', 'd2', 'd3', 'd4'],
        bakeTimeMs: 0,
        gate: 'manual',
        expiresAfterMs: 43_200_000,
      },
      { name: 'last', deployments: ['d5'], bakeTimeMs: 0, gate: 'manual', expiresAfterMs: null },
    ] as const;
    const rows = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`d${index}`, null]));
    const rollout = { waves, maxConcurrency: '50%', failureTolerance: '25%', cutover: 'barrier' } as const;
    const text = planOf(rows, rollout);
    expect(text.slice(text.indexOf('Rollout'))).toMatchInlineSnapshot(`
      "Rollout in 3 waves (onFailure halt, inFlight finish, cutover barrier):
        1. canary: d0
           1 at a time; halt after 1 setback (failureTolerance 0); then bakes 30m 00s
        2. rest: d1, d2, d3, d4
           waits for approve, for at most 12h 00m; 2 at a time; halt after 2 setbacks (failureTolerance 1)
        3. last: d5
           waits for approve; 1 at a time; halt after 1 setback (failureTolerance 0)"
    `);
  });

  test('under continue say that failures do not stop it', () => {
    expect(planOf({ eu: null }, { onFailure: 'continue' })).toContain('eu; 1 at a time; failures do not stop it');
  });
});

test('400 deployments with one plan are one class of few lines', () => {
  const rows = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`d${index}`, String(index)]));
  const lines = planOf(rows, { maxConcurrency: '10%' }).split('\n');
  expect(lines.length).toBeLessThan(10);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(130);
});
