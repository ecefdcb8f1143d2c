import type { LogEntry, LogLevel, StoredLog } from '../../target.js';
import type { Queryable } from '../database.js';

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
