import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Client as Postgres } from 'pg';
import { afterAll, afterEach } from 'vitest';
import {
  type ApplyStatus,
  type OperationStatus,
  type RolloutPlan,
  SkeinClient,
  readSpecFile,
} from '../../client/index.js';
import { query, readEngineRecords, readIndex } from '../../dev/demo/database.js';
import { writeRolloutFiles } from '../../dev/rollout-files.js';
import { type Stack, type StackOptions, startStack } from '../../dev/stack.js';
import { until } from '../support/until.js';

/** The deployments of every test against the real stack, in rollout order. */
export const DEPLOYMENTS = ['a', 'b', 'c'] as const;

export type Deployment = (typeof DEPLOYMENTS)[number];

/** The index that every test of the stack rolls out; dropped again between tests. */
const INDEX = 'customers_email_key';
const TABLE = 'CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL);';

/**
 * One real stack for a test file: Temporal, a worker process, an engine process and a PostgreSQL database per deployment.
 * The change is always the same unique index, which a duplicate makes fail and an open writer holds in flight.
 */
export interface Theatre {
  readonly stack: Stack;
  readonly client: SkeinClient;
  readonly temporal: Client;
  /** Plans on every deployment; nothing is changed. */
  plan(rollout?: Readonly<Record<string, string | number>>, deployments?: readonly Deployment[]): Promise<RolloutPlan>;
  /** Plans, starts an apply and returns its id. */
  apply(rollout?: Readonly<Record<string, string | number>>, deployments?: readonly Deployment[]): Promise<string>;
  /** Holds every index build of this deployment until it is let go: a writer that does not end. */
  hold(deployment: Deployment): Promise<() => Promise<void>>;
  /** Two customers with one address, so that the unique index cannot be built. */
  addDuplicate(deployment: Deployment): Promise<void>;
  removeDuplicate(deployment: Deployment): Promise<void>;
  /** What the engine of this deployment accepted during the current test. */
  records(deployment: Deployment): ReturnType<typeof readEngineRecords>;
  hasIndex(deployment: Deployment): Promise<boolean>;
  /** Waits until the status satisfies the predicate. */
  until(apply: string, predicate: (status: ApplyStatus) => boolean, deadlineMs?: number): Promise<ApplyStatus>;
  ended(apply: string): Promise<ApplyStatus>;
  untilTrue(condition: () => Promise<boolean>): Promise<void>;
}

export async function openTheatre(options: Pick<StackOptions, 'ui'> = {}): Promise<Theatre> {
  const folder = await mkdtemp(join(tmpdir(), 'skein-theatre-'));
  const stack = await startStack({
    ...options,
    deployments: DEPLOYMENTS.map((name) => ({ name, target: `customers_${name}` })),
  });
  const connection = await Connection.connect({ address: stack.temporal.address });
  const temporal = new Client({ connection });
  const client = new SkeinClient(temporal, { caller: 'tester', address: stack.temporal.address });
  const dsn = (deployment: Deployment) => stack.deployment(deployment).dsn;
  for (const name of DEPLOYMENTS) {
    await query(dsn(name), TABLE);
    await query(dsn(name), "insert into customers select n, 'customer' || n from generate_series(1, 1000) n");
  }
  const writers = new Set<Postgres>();
  const seen = new Map<string, number>();
  let plans = 0;
  afterEach(async () => {
    for (const writer of writers) await writer.end();
    writers.clear();
    for (const name of DEPLOYMENTS) {
      await query(dsn(name), `drop index if exists ${INDEX}`);
      await query(dsn(name), 'delete from customers where id > 1000');
      seen.set(name, (await readAll(dsn(name))).length);
    }
  });
  afterAll(async () => {
    await connection.close();
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const theatre: Theatre = {
    stack,
    client,
    temporal,
    plan: async (rollout = {}, deployments = DEPLOYMENTS) => {
      plans += 1;
      const files = await writeRolloutFiles({
        folder: join(folder, `plan-${plans}`),
        database: 'customers',
        deployments: deployments.map((name) => ({ name, target: `customers_${name}` })),
        rollout,
        schema: { 'customers.sql': `${TABLE}\nCREATE UNIQUE INDEX ${INDEX} ON customers (email);\n` },
      });
      return client.plan(await readSpecFile(files.path));
    },
    apply: async (rollout, deployments) => (await client.apply(await theatre.plan(rollout, deployments))).apply,
    hold: async (deployment) => {
      const writer = new Postgres({ connectionString: dsn(deployment), application_name: 'a forgotten writer' });
      await writer.connect();
      writers.add(writer);
      await writer.query('begin; lock table customers in row exclusive mode');
      return async () => {
        writers.delete(writer);
        await writer.end();
      };
    },
    addDuplicate: async (deployment) =>
      void (await query(dsn(deployment), "insert into customers values (1001, 'customer1')")),
    removeDuplicate: async (deployment) => void (await query(dsn(deployment), 'delete from customers where id > 1000')),
    records: async (deployment) => (await readAll(dsn(deployment))).slice(seen.get(deployment) ?? 0),
    hasIndex: async (deployment) => (await readIndex(dsn(deployment), INDEX))?.isValid ?? false,
    until: async (apply, predicate, deadlineMs = 30_000) => {
      let last: ApplyStatus | null = null;
      try {
        return await until(async () => {
          last = await client.status(apply);
          return predicate(last) ? last : null;
        }, deadlineMs);
      } catch (error) {
        throw new Error(`apply ${apply} did not get there; last: ${JSON.stringify(last)}`, { cause: error });
      }
    },
    untilTrue: async (condition) => void (await until(condition, 30_000)),
    ended: async (apply) => {
      await client.result(apply);
      return client.status(apply);
    },
  };
  return theatre;
}

/** The engine makes its tables when it is first asked to store something. */
async function readAll(dsn: string): ReturnType<typeof readEngineRecords> {
  const [row] = await query<{ exists: boolean }>(dsn, "select to_regclass('_skein.applies') is not null as exists");
  return row?.exists === true ? readEngineRecords(dsn) : [];
}

export function operation(status: ApplyStatus, deployment: Deployment): OperationStatus {
  const found = status.operations.find((candidate) => candidate.deployment === deployment);
  if (found === undefined) throw new Error(`no operation ${deployment} in ${JSON.stringify(status)}`);
  return found;
}

export function summary(status: ApplyStatus): string {
  return status.operations.map(({ deployment, state }) => `${deployment}=${state}`).join(' ');
}
