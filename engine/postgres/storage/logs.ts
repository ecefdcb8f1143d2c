import type { Queryable } from '../database.js';

export type LogLevel = 'info' | 'warn' | 'error';

/** One line of what happened to an apply. Written in the transaction that makes it true, wherever there is one. */
export interface LogEntry {
  readonly level: LogLevel;
  /** Such as `state_transition`, `step_started`, `lock_wait`, `control_request`. */
  readonly event: string;
  readonly message: string;
  /** Position of the change it is about, or null for the whole apply. */
  readonly changePosition?: number | null;
  readonly oldState?: string;
  readonly newState?: string;
  readonly metadata?: Readonly<Record<string, string | number>>;
}

export interface StoredLog extends Required<Omit<LogEntry, 'metadata'>> {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
}

export const LOG_LIMIT_DEFAULT = 50;
export const LOG_LIMIT_MAX = 1_000;

export async function writeLog(database: Queryable, applyId: string, entry: LogEntry): Promise<void> {
  await database.query(
    `INSERT INTO _skein.logs (apply_id, change_position, level, event, message, old_state, new_state, metadata)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      applyId,
      entry.changePosition ?? null,
      entry.level,
      entry.event,
      entry.message,
      entry.oldState ?? '',
      entry.newState ?? '',
      JSON.stringify(entry.metadata ?? {}),
    ],
  );
}

/** The newest lines, oldest first. `limit` of 0 or less means 50; more than 1,000 means 1,000 (engine contract 2.7). */
export async function readLogs(database: Queryable, applyId: string, limit: number): Promise<readonly StoredLog[]> {
  const count = limit <= 0 ? LOG_LIMIT_DEFAULT : Math.min(limit, LOG_LIMIT_MAX);
  const { rows } = await database.query<{
    id: string;
    change_position: number | null;
    level: LogLevel;
    event: string;
    message: string;
    old_state: string;
    new_state: string;
    metadata: Record<string, unknown>;
    created_at: Date;
  }>(`SELECT * FROM (SELECT * FROM _skein.logs WHERE apply_id = $1 ORDER BY id DESC LIMIT $2) newest ORDER BY id`, [
    applyId,
    count,
  ]);
  return rows.map((row) => ({
    id: row.id,
    changePosition: row.change_position,
    level: row.level,
    event: row.event,
    message: row.message,
    oldState: row.old_state,
    newState: row.new_state,
    metadata: row.metadata,
    createdAt: row.created_at,
  }));
}
