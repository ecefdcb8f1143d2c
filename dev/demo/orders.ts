import type { Closing } from '../closing.js';
import type { EmbeddedPostgres } from '../postgres.js';
import type { Stack, StackDeployment, StackOptions } from '../stack.js';
import { makeCopies, query, readColumn, readIndex } from './database.js';
import { type Claims, describeStack, startSceneStack } from './scene.js';
import { note } from './screen.js';

/** The change that the demo rolls out: a table of orders gets an index that takes a while and a column that does not. */

export const INDEX = 'orders_customer_id_idx';
export const COLUMN = 'channel';

const SCHEMA_BEFORE = `create table orders (
  id bigint primary key,
  customer_id integer not null,
  amount_cents integer not null
)`;

export const SCHEMA_AFTER = `-- The schema we want. Skein finds out what has to be done.
CREATE TABLE orders (
  id bigint PRIMARY KEY,
  customer_id integer NOT NULL,
  amount_cents integer NOT NULL,
  ${COLUMN} text
);

CREATE INDEX ${INDEX} ON orders (customer_id);
`;

/** Starts a stack whose databases hold so many orders each, and shows what runs. */
export async function startOrders(options: {
  readonly deployments: StackOptions['deployments'];
  readonly rows: number;
  readonly closing: Closing;
}): Promise<Stack> {
  const { deployments, rows, closing } = options;
  const prepare = async (postgres: EmbeddedPostgres) => {
    note(`filling ${deployments.length} databases with ${rows.toLocaleString('en')} rows each`);
    const names = deployments.map(({ target }) => target);
    await makeCopies(postgres, names, [SCHEMA_BEFORE, fill(rows), 'vacuum analyze orders']);
  };
  const stack = await startSceneStack({ deployments, closing, prepare });
  describeStack(stack);
  return stack;
}

/** Customers in an order that has nothing to do with the id, so that the index has to be sorted. */
function fill(rows: number): string {
  return `insert into orders select n, (n::bigint * 7919) % 500000, n % 10000 from generate_series(1, ${rows}) n`;
}

/** How much of the change can be seen in one database, from its catalog. */
export interface VisibleChange {
  /** Valid, so that queries use it. */
  readonly hasIndex: boolean;
  readonly hasColumn: boolean;
}

export async function readChange({ dsn }: StackDeployment): Promise<VisibleChange> {
  const index = await readIndex(dsn, INDEX);
  return { hasIndex: index?.isValid === true, hasColumn: (await readColumn(dsn, 'orders', COLUMN)) !== null };
}

/** Claims from every catalog that the change is there and no row is lost. */
export async function readBack(stack: Stack, rows: number, claims: Claims): Promise<void> {
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
