import type pg from 'pg';
import type { Logger } from 'pino';
import type { FencedSession } from './fence.js';
import type { Wake } from './wake.js';

/** What carrying out an apply needs. It exists only while the fence is held. */
export interface ExecutionContext {
  readonly target: string;
  /** Every mark that counts is written through this session, so losing the fence ends the writing as well. */
  readonly session: FencedSession;
  /** For looking on while the session is busy. */
  readonly pool: pg.Pool;
  /** Told when a request was recorded, so that waits end early. */
  readonly wake: Wake;
  /** A wait for a lock that lasts longer than this is shown as `failed_retryable`. */
  readonly lockPatienceMs: number;
  readonly logger: Logger;
}

/** Runs `work` in one transaction of the fenced session. */
export async function inSessionTransaction<T>(
  context: ExecutionContext,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { client } = context.session;
  await client.query('BEGIN');
  try {
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // Fails only when the connection is gone, and then the server rolls back.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
