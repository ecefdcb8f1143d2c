import { Client } from 'pg';
import type { EmbeddedPostgres } from '../../dev/postgres.js';

const TEMPLATE = 'corpus_template';

/** Roles that a case may name: they belong to the server, so every case shares them. The last is that of cases beside the clone. */
const ROLES = ['app', 'reader', 'bugs_reader'] as const;

/** Several databases are open at once, each with the connections of an engine. The files of the cluster are in memory. */
export const CLUSTER_SETTINGS = {
  max_connections: '400',
  max_wal_size: '256MB',
  shared_buffers: '128MB',
  autovacuum: 'off',
  jit: 'off',
} as const;

/** Makes what the databases of all cases start from. */
export async function prepareCluster(postgres: EmbeddedPostgres): Promise<void> {
  await withClient(postgres.dsn(), async (client) => {
    for (const role of ROLES) await client.query(`CREATE ROLE ${role}`);
    await client.query(`CREATE DATABASE ${TEMPLATE} TEMPLATE template0`);
  });
}

export async function createDatabase(postgres: EmbeddedPostgres, name: string): Promise<void> {
  await onServer(postgres, (client) => `CREATE DATABASE ${client.escapeIdentifier(name)} TEMPLATE ${TEMPLATE}`);
}

export async function dropDatabase(postgres: EmbeddedPostgres, name: string): Promise<void> {
  await onServer(postgres, (client) => `DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`);
}

async function onServer(postgres: EmbeddedPostgres, statement: (client: Client) => string): Promise<void> {
  await withClient(postgres.dsn(), async (client) => {
    await client.query(statement(client));
  });
}

/** Databases that are empty outside of transactions, and that nobody is in at the moment. */
const spare = new WeakMap<EmbeddedPostgres, string[]>();

/**
 * Gives `work` a connection to an empty database, in a transaction that is rolled back: what is only looked at costs no
 * database of its own.
 */
export async function inEmptyDatabase<Result>(
  postgres: EmbeddedPostgres,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const free = spare.get(postgres) ?? [];
  spare.set(postgres, free);
  const dsn = free.pop() ?? (await makeSpare(postgres));
  try {
    return await withClient(dsn, async (client) => {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('ROLLBACK');
      return result;
    });
  } finally {
    free.push(dsn);
  }
}

let spares = 0;

async function makeSpare(postgres: EmbeddedPostgres): Promise<string> {
  spares += 1;
  const name = `corpus_spare_${spares}`;
  await withClient(postgres.dsn(), (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`));
  return postgres.dsn(name);
}

export async function withClient<Result>(dsn: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: dsn });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
