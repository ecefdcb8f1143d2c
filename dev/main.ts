import { stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { Closing } from './closing.js';
import { writeRolloutFiles } from './rollout-files.js';
import { dataFolder } from './folders.js';
import { handleInterrupt, untilAborted } from './interrupt.js';
import { withLock } from './lock.js';
import { preferPort } from './port.js';
import type { EmbeddedPostgres } from './postgres.js';
import { makeFolderFor, postgresFolder, serverUser } from './postgres-user.js';
import { type Stack, startStack } from './stack.js';

/** `skein dev`: the whole product on this machine, kept over restarts, until Ctrl-C. */
export interface DevOptions {
  /** Holds everything: databases, workflows, logs, an example. Default: one per user. */
  readonly data?: string;
  /** Names of the deployments, each with a database of its own. Default `eu`, `us`. */
  readonly deployments?: readonly string[];
  /** Of the Temporal server. Default 7233, where every Temporal client looks first, or a free one when that is taken. */
  readonly port?: number;
  /** Of the Temporal UI. Default 8233, or a free one when that is taken. */
  readonly uiPort?: number;
  /** `json`: one object on standard output once everything is ready. Default `text`. */
  readonly output?: 'text' | 'json';
}

const TEMPORAL_PORT = 7233;
const UI_PORT = 8233;
const DEPLOYMENTS = ['eu', 'us'] as const;
const DATABASE = 'shop';
const EXIT = { done: 0, unavailable: 69 } as const;
const ROWS = 10_000;

const TABLE = `create table orders (
  id bigint primary key,
  customer_id integer not null,
  amount_cents integer not null
)`;
const EXAMPLE_SCHEMA = `-- The schema you want. Today's tables have neither the column nor the index.
CREATE TABLE orders (
  id bigint PRIMARY KEY,
  customer_id integer NOT NULL,
  amount_cents integer NOT NULL,
  channel text
);

CREATE INDEX orders_customer_id_idx ON orders (customer_id);
`;

/**
 * Runs the stack in the foreground until Ctrl-C or SIGTERM and gives the exit code: 0 after an interrupt, 69 when
 * something could not be started. What was going on continues at the next start.
 */
export async function runDev(options: DevOptions = {}): Promise<number> {
  const folder = resolve(options.data ?? defaultFolder());
  const closing = new Closing();
  const interrupt = new AbortController();
  const release = handleInterrupt(() => {
    process.stderr.write('\nskein dev: stopping; what was going on continues at the next start\n');
    interrupt.abort();
    // Its failures are those of the last line below, which runs it to the end.
    closing.run().catch(() => undefined);
  });
  try {
    makeFolderFor(serverUser(), folder);
    return await withLock(join(folder, 'dev.lock'), { deadlineMs: 0, onWait: refuseSecond(folder) }, async () => {
      const stack = await start(options, folder, closing);
      const example = await writeExample(stack, join(folder, 'example'));
      await writeFile(join(folder, 'dev.json'), `${JSON.stringify(summary(stack, example), null, 2)}\n`, {
        mode: 0o600,
      });
      process.stdout.write(
        options.output === 'json' ? `${JSON.stringify(summary(stack, example))}\n` : describe(stack, example, folder),
      );
      await untilAborted(interrupt.signal);
      return EXIT.done;
    });
  } catch (error) {
    // An interrupt in the middle of the start makes the start fail; that is no failure.
    if (interrupt.signal.aborted) return EXIT.done;
    process.stderr.write(`skein dev: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.unavailable;
  } finally {
    await closing.run();
    release();
  }
}

/** As root below /var/lib, because PostgreSQL runs as another user, who cannot enter root's home. */
function defaultFolder(): string {
  const user = serverUser();
  return user === null ? join(dataFolder(), 'dev') : join(postgresFolder(user), '..', 'dev');
}

function refuseSecond(folder: string): (owner: number) => never {
  return (owner) => {
    throw new Error(
      `already running on ${folder}, as process ${owner}; its addresses are in ${join(folder, 'dev.json')}. Another stack needs another folder: --data`,
    );
  };
}

async function start(options: DevOptions, folder: string, closing: Closing): Promise<Stack> {
  const names = options.deployments ?? DEPLOYMENTS;
  return startStack({
    deployments: names.map((name) => ({ name, target: `${DATABASE}_${name}` })),
    keepIn: { folder, postgresFolder: join(folder, 'postgres') },
    ui: true,
    temporal: {
      port: options.port ?? (await preferPort(TEMPORAL_PORT)),
      uiPort: options.uiPort ?? (await preferPort(UI_PORT)),
    },
    report: (line) => process.stderr.write(`skein dev: ${line}\n`),
    closing,
    prepare: async (postgres) => {
      for (const name of names) await fillOnce(postgres, `${DATABASE}_${name}`);
    },
  });
}

/** Gives a new database a table to change; one that has any table is left alone. */
async function fillOnce(postgres: EmbeddedPostgres, database: string): Promise<void> {
  const client = new Client({ connectionString: await postgres.createDatabase(database) });
  await client.connect();
  try {
    const tables = await client.query("select 1 from pg_tables where schemaname = 'public' limit 1");
    if (tables.rowCount !== 0) return;
    await client.query('begin');
    await client.query(TABLE);
    await client.query(`insert into orders select n, n % 500, n % 10000 from generate_series(1, ${ROWS}) n`);
    await client.query('commit');
  } finally {
    await client.end();
  }
}

/** Written once: from then on it belongs to the person. */
async function writeExample(stack: Stack, folder: string): Promise<string> {
  const path = join(folder, 'rollout.yaml');
  if (await exists(path)) return path;
  const written = await writeRolloutFiles({
    folder,
    database: DATABASE,
    environment: 'development',
    deployments: stack.deployments.map(({ name, target }) => ({ name, target })),
    rollout: { maxConcurrency: 1, onFailure: 'halt' },
    schema: { 'orders.sql': EXAMPLE_SCHEMA },
  });
  return written.path;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function summary(stack: Stack, example: string) {
  return {
    temporal: stack.temporal.address,
    namespace: stack.temporal.namespace,
    ui: stack.temporal.uiAddress,
    config: stack.configFile,
    example,
    deployments: stack.deployments.map(({ name, target, address, dsn }) => ({ name, target, engine: address, dsn })),
    logs: stack.folder,
  };
}

function describe(stack: Stack, example: string, folder: string): string {
  const isDefault = stack.temporal.address === `127.0.0.1:${TEMPORAL_PORT}`;
  const databases = stack.deployments.map(
    ({ name, dsn, address }) => `  ${name.padEnd(12)} engine ${address}   database ${dsn}`,
  );
  return [
    '',
    `Temporal       ${stack.temporal.address}`,
    `Temporal UI    ${stack.temporal.uiAddress ?? 'none'}`,
    'Deployments',
    ...databases,
    `Data and logs  ${folder}`,
    '',
    'In another terminal:',
    ...(isDefault ? [] : [`  export TEMPORAL_ADDRESS=${stack.temporal.address}`]),
    `  skein plan -f ${example}`,
    `  skein apply -f ${example}`,
    '(in a clone, `skein` is `npm run -s skein --`)',
    '',
    'Ctrl-C stops everything; the next start goes on from there.',
    '',
  ].join('\n');
}
