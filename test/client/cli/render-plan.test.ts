import { Chalk } from 'chalk';
import { expect, test } from 'vitest';
import { renderPlan } from '../../../client/cli/render-plan.js';
import { reviewPlans } from '../../../client/plan.js';
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
      lint warning  orders: has no primary key
      left over  public: _orders_new (discard)

    ap: nothing to do, the schema is there already

    Rollout: eu, us, ap; 1 at a time; pause after 2 setbacks (failureTolerance 1); onFailure pause, inFlight finish, cutover rolling"
  `);
});
