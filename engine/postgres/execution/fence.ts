import type pg from 'pg';
import { EXECUTOR_APPLICATION_NAME, openClient } from '../database.js';
import { ConfigurationError } from '../../errors.js';
import { FENCE_LOCK_KEY } from '../storage/install.js';

/** The one session that may carry out changes on a target, and the server's process behind it. */
export interface FencedSession {
  readonly client: pg.Client;
  readonly pid: number;
}

/**
 * One executor per target, over all engine processes: whoever holds a session-level advisory lock. The session that holds
 * it also runs the statements, so a statement that outlives its killed engine keeps the next one out until it has ended.
 */
export class Fence {
  readonly #name: string;
  readonly #dsn: string;
  #client: pg.Client | null = null;

  constructor(name: string, dsn: string) {
    this.#name = name;
    this.#dsn = dsn;
  }

  /**
   * Connects where needed and tries for the fence. Null when somebody else holds it. Throws the connection's error, and
   * `ConfigurationError` behind a pooler, where a lock of the session belongs to whoever comes next.
   */
  async tryAcquire(): Promise<FencedSession | null> {
    const client = this.#client ?? (await this.#connect());
    this.#client = client;
    const { rows } = await client.query<{ pid: number; acquired: boolean }>(
      'SELECT pg_backend_pid() AS pid, pg_try_advisory_lock($1) AS acquired',
      [FENCE_LOCK_KEY],
    );
    const [row] = rows;
    return row?.acquired === true ? { client, pid: row.pid } : null;
  }

  /** Drops the connection, and with it the lock, unless a statement is still running in it on the server. */
  release(): void {
    const client = this.#client;
    this.#client = null;
    // `end` waits for a running statement; the socket does not.
    if (client !== null) client.connection.stream.destroy();
  }

  async #connect(): Promise<pg.Client> {
    const client = openClient(this.#name, this.#dsn, EXECUTOR_APPLICATION_NAME);
    await client.connect();
    await assertDirect(this.#name, client);
    // A host that vanished without a word is noticed in a minute and a half instead of two hours.
    await client.query(`SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 20; SET tcp_keepalives_count = 3`);
    // Limits that a role or a database may have are for applications; a concurrent build waits as long as it takes.
    await client.query(
      `SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout',
         'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout')`,
    );
    await client.query(`SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off`);
    await client.query(
      `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`,
    );
    // Bodies may name what a later statement of the plan creates, as they may in a dump.
    await client.query('SET check_function_bodies = off');
    return client;
  }
}

/**
 * Refuses a connection that goes through a pooler: the process id that the connection was given is then not the one of
 * the server process behind it.
 */
export async function assertDirect(name: string, client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const announced = 'processID' in client ? client.processID : null;
  if (rows[0]?.pid === announced) return;
  throw new ConfigurationError(
    `${name}: the connection goes through a pooler (the server's process is ${rows[0]?.pid}, the connection was given ${String(announced)}). Session locks need a direct connection: use the address of the server itself`,
  );
}
