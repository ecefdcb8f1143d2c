import { join } from 'node:path';
import { startStack, type Stack } from '../stack.js';
import { makeCopies, query, readColumn, readIndex } from './database.js';
import { writeRolloutFiles } from '../rollout-files.js';
import { Claims, connectClient, follow, planAndShow, sayPage, type Scene, showResult } from './scene.js';
import { command, note, say, table, title } from './screen.js';

/** One schema change over three databases, to the end. */

const DEPLOYMENTS = [
  { name: 'eu', target: 'orders_eu' },
  { name: 'us', target: 'orders_us' },
  { name: 'ap', target: 'orders_ap' },
] as const;

const INDEX = 'orders_customer_id_idx';
const COLUMN = 'channel';

const SCHEMA_BEFORE = `create table orders (
  id bigint primary key,
  customer_id integer not null,
  amount_cents integer not null
)`;

const SCHEMA_AFTER = `-- The schema we want. Skein finds out what has to be done.
CREATE TABLE orders (
  id bigint PRIMARY KEY,
  customer_id integer NOT NULL,
  amount_cents integer NOT NULL,
  ${COLUMN} text
);

CREATE INDEX ${INDEX} ON orders (customer_id);
`;

export const rolloutScene: Scene = async ({ rows, closing }) => {
  title('Skein demo: one schema change over three databases');
  const stack = await startStack({
    deployments: DEPLOYMENTS,
    ui: true,
    report: note,
    closing,
    prepare: async (postgres) => {
      note(`filling three databases with ${rows.toLocaleString('en')} rows each`);
      await makeCopies(
        postgres,
        DEPLOYMENTS.map(({ target }) => target),
        [SCHEMA_BEFORE, fill(rows), 'vacuum analyze orders'],
      );
    },
  });
  describeStack(stack);
  const files = await writeRolloutFiles({
    folder: join(stack.folder, 'rollout'),
    database: 'orders',
    deployments: DEPLOYMENTS,
    rollout: { maxConcurrency: 2, onFailure: 'halt' },
    schema: { 'orders.sql': SCHEMA_AFTER },
  });
  say(`\nrollout.yaml:\n${files.text.replace(/^(?=.)/gm, '  ')}`);

  const client = await connectClient(stack, closing);
  const plan = await planAndShow(client, files.path);
  const apply = client.newApplyId('orders');
  command(`skein apply -f rollout.yaml --id ${apply} -y`);
  await client.apply(plan, { id: apply });
  sayPage(stack, apply);
  const status = await follow(client, apply);
  showResult(status);

  title('Read back from the catalogs of the three databases');
  const claims = new Claims();
  claims.make(status.state === 'completed', `the apply is completed in all ${status.operations.length} deployments`);
  await readBack(stack, rows, claims);
  return { isGood: claims.isGood, stack };
};

/** Customers in an order that has nothing to do with the id, so that the index has to be sorted. */
function fill(rows: number): string {
  return `insert into orders select n, (n::bigint * 7919) % 500000, n % 10000 from generate_series(1, ${rows}) n`;
}

function describeStack(stack: Stack): void {
  say('');
  table(
    ['process', 'address', 'log'],
    [
      ['PostgreSQL (3 databases)', `127.0.0.1:${stack.postgres.port}`, stack.postgres.dataDir],
      ['Temporal server', stack.temporal.address, join(stack.folder, 'temporal.log')],
      ['Temporal UI', stack.temporal.uiAddress ?? '-', ''],
      ...stack.deployments.map(({ engine, address }) => [engine.name, address, engine.logFile]),
      ['worker', '', stack.worker.logFile],
    ],
  );
}

async function readBack(stack: Stack, rows: number, claims: Claims): Promise<void> {
  for (const { name, dsn } of stack.deployments) {
    const index = await readIndex(dsn, INDEX);
    const column = await readColumn(dsn, 'orders', COLUMN);
    const [count] = await query<{ count: string }>(dsn, 'select count(*) from orders');
    claims.make(
      index?.isValid === true,
      `${name}: ${index === null ? `no index ${INDEX}` : `${index.definition} (${index.isValid ? 'valid' : 'INVALID'}, ${index.megabytes} MB)`}`,
    );
    claims.make(column === 'text', `${name}: orders.${COLUMN} is ${column ?? 'missing'}`);
    claims.make(Number(count?.count) === rows, `${name}: ${Number(count?.count).toLocaleString('en')} rows, none lost`);
  }
}
