import type { Queryable } from '../database.js';
import type { Blocker } from '../storage/blocker.js';
import { FENCE_LOCK_KEY } from '../storage/install.js';

/** What PostgreSQL says about an index build (`pg_stat_progress_create_index`). */
export interface IndexBuildProgress {
  readonly phase: string;
  readonly blocksTotal: number;
  readonly blocksDone: number;
  readonly tuplesTotal: number;
  readonly tuplesDone: number;
  readonly lockersTotal: number;
  readonly lockersDone: number;
}

/** What the session that holds a target's fence is doing at this moment. */
export interface Activity {
  readonly pid: number;
  /** A statement is running in it. */
  readonly busy: boolean;
  readonly indexBuild: IndexBuildProgress | null;
  readonly blockers: readonly Blocker[];
}

const QUERY_CHARACTERS_MAX = 200;

/**
 * Looks at the session that holds the fence: ours, that of another engine process, or the orphan of one that was killed.
 * Null when nobody holds it. Reads statistics only and touches no table of the target.
 */
export async function readActivity(database: Queryable): Promise<Activity | null> {
  const { rows } = await database.query<{
    pid: number;
    busy: boolean;
    blocked_by: number[];
    locker: number | null;
    phase: string | null;
    blocks_total: string;
    blocks_done: string;
    tuples_total: string;
    tuples_done: string;
    lockers_total: string;
    lockers_done: string;
  }>(
    `SELECT l.pid, coalesce(a.state <> 'idle', false) AS busy, pg_blocking_pids(l.pid) AS blocked_by,
            nullif(p.current_locker_pid, 0) AS locker, p.phase, p.blocks_total, p.blocks_done, p.tuples_total,
            p.tuples_done, p.lockers_total, p.lockers_done
       FROM pg_locks l
       LEFT JOIN pg_stat_activity a ON a.pid = l.pid
       LEFT JOIN pg_stat_progress_create_index p ON p.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (l.classid::bigint << 32) | l.objid::bigint = $1`,
    [FENCE_LOCK_KEY],
  );
  const [row] = rows;
  if (row === undefined) return null;
  // The locker of the progress view stays there after its wait, so it counts only while something blocks.
  const waiting = row.blocked_by.length > 0 || (row.phase ?? '').startsWith('waiting');
  const pids = waiting ? [...new Set([...row.blocked_by, ...(row.locker === null ? [] : [row.locker])])] : [];
  return {
    pid: row.pid,
    busy: row.busy,
    indexBuild:
      row.phase === null
        ? null
        : {
            phase: row.phase,
            blocksTotal: Number(row.blocks_total),
            blocksDone: Number(row.blocks_done),
            tuplesTotal: Number(row.tuples_total),
            tuplesDone: Number(row.tuples_done),
            lockersTotal: Number(row.lockers_total),
            lockersDone: Number(row.lockers_done),
          },
    blockers: pids.length === 0 ? [] : await readSessions(database, pids),
  };
}

async function readSessions(database: Queryable, pids: readonly number[]): Promise<readonly Blocker[]> {
  const { rows } = await database.query<{
    pid: number;
    application: string;
    state: string;
    query: string;
    open_seconds: number;
  }>(
    `SELECT pid, coalesce(application_name, '') AS application, coalesce(state, '') AS state,
            left(coalesce(query, ''), $2) AS query,
            coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0)::int AS open_seconds
       FROM pg_stat_activity WHERE pid = ANY ($1) ORDER BY xact_start NULLS LAST, pid`,
    [pids, QUERY_CHARACTERS_MAX],
  );
  return rows.map((row) => ({
    pid: row.pid,
    application: row.application,
    state: row.state,
    query: row.query,
    openSeconds: row.open_seconds,
  }));
}

/** One line that lets an operator find the session and decide about it. */
export function describeBlocker(blocker: Blocker): string {
  const application = blocker.application === '' ? 'no application name' : blocker.application;
  return `pid ${blocker.pid} (${application}, ${blocker.state}, open for ${blocker.openSeconds} s): ${blocker.query}`;
}
