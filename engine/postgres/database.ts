import { Client, Pool } from 'pg';
import type pg from 'pg';
import { ConfigurationError } from '../errors.js';

/** A pool or one client: whatever can run a statement. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

/** Connections of one target, beside the executor's own. */
const POOL_CONNECTIONS_MAX = 4;
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 10_000;
/** Bounds every statement of the request handlers. The executor's own connection has no such bound. */
const STATEMENT_TIMEOUT_MS = 60_000;

/** The names under which the engine shows up in pg_stat_activity. */
export const APPLICATION_NAME = 'skein-engine';
export const EXECUTOR_APPLICATION_NAME = 'skein-engine executor';

/**
 * Opens the pool of a target. Connects lazily. `name` stands in every message, because a connection string may hold a
 * password and never appears in one.
 */
export function openPool(name: string, dsn: string, connectionsMax = POOL_CONNECTIONS_MAX): pg.Pool {
  const pool = new Pool({
    ...connectionOptions(name, dsn),
    application_name: APPLICATION_NAME,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    max: connectionsMax,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
  });
  // Without listeners, a connection that breaks while it idles, or between two statements of one who has it, would end
  // this process. Whoever needs the connection next gets the error as the answer to a statement.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** A connection of its own, not yet connected. */
export function openClient(name: string, dsn: string, applicationName: string): pg.Client {
  const client = new Client({ ...connectionOptions(name, dsn), application_name: applicationName });
  client.on('error', () => undefined);
  return client;
}

function connectionOptions(name: string, dsn: string): pg.ClientConfig {
  assertDsn(name, dsn);
  return { connectionString: dsn, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true };
}

/** Refuses what is not a connection string, without repeating it. */
export function assertDsn(name: string, dsn: string): void {
  if (/^postgres(ql)?:\/\//.test(dsn) && URL.canParse(dsn)) return;
  throw new ConfigurationError(
    `${name}: its connection string is not of the form postgres://user:password@host:port/database`,
  );
}

/** The same server, another database. */
export function withDatabase(dsn: string, database: string): string {
  const url = new URL(dsn);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.toString();
}

/** Runs `work` in one transaction on one connection of the pool. A connection that cannot even roll back is discarded. */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return transaction(pool, 'BEGIN', async (client) => {
    // What is answered must survive a crash of the server, also where commits are lazy by default.
    await client.query(
      `SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`,
    );
    return work(client);
  });
}

/** Runs `work` on one moment of the database: what it reads fits together, however much is written meanwhile. */
export async function inSnapshot<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return transaction(pool, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work);
}

async function transaction<T>(pool: pg.Pool, begin: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
