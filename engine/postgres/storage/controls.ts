import type { ControlOperation, ControlRequest } from '../../target.js';
import type { Queryable } from '../database.js';

/** Records a request durably. A pending one of the same kind stays as it is: asking twice has one effect (E41). */
export async function requestControl(
  database: Queryable,
  request: { readonly applyId: string; readonly operation: ControlOperation; readonly caller: string },
): Promise<void> {
  await database.query(
    `INSERT INTO _skein.control_requests AS known (apply_id, operation, status, requested_by)
     VALUES ($1, $2, 'pending', $3)
     ON CONFLICT (apply_id, operation) DO UPDATE
       SET status = 'pending', requested_by = excluded.requested_by, requested_at = clock_timestamp(),
           settled_at = NULL, error_message = ''
     WHERE known.status <> 'pending'`,
    [request.applyId, request.operation, request.caller],
  );
}

/** Settles a pending request of one kind; nothing happens when there is none. */
export async function settleControl(
  database: Queryable,
  settlement: {
    readonly applyId: string;
    readonly operation: ControlOperation;
    readonly status: 'completed' | 'failed';
    readonly message?: string;
  },
): Promise<void> {
  await database.query(
    `UPDATE _skein.control_requests SET status = $3, error_message = $4, settled_at = clock_timestamp()
      WHERE apply_id = $1 AND operation = $2 AND status = 'pending'`,
    [settlement.applyId, settlement.operation, settlement.status, settlement.message ?? ''],
  );
}

export async function readControls(database: Queryable, applyId: string): Promise<readonly ControlRequest[]> {
  const { rows } = await database.query<{
    operation: ControlOperation;
    status: ControlRequest['status'];
    requested_by: string;
    settled_at: Date | null;
    error_message: string;
  }>('SELECT * FROM _skein.control_requests WHERE apply_id = $1 ORDER BY requested_at, operation', [applyId]);
  return rows.map((row) => ({
    operation: row.operation,
    status: row.status,
    requestedBy: row.requested_by,
    settledAt: row.settled_at,
    errorMessage: row.error_message,
  }));
}

/** Whether a cutover has been permitted and is not over yet. It stays so through restarts, and until a stop. */
export async function isCutoverPermitted(database: Queryable, applyId: string): Promise<boolean> {
  const { rowCount } = await database.query(
    `SELECT FROM _skein.control_requests WHERE apply_id = $1 AND operation = 'cutover' AND status = 'pending'`,
    [applyId],
  );
  return rowCount === 1;
}

/** What must end the work on an apply, if anything. Cancel goes before stop. */
export async function readInterrupt(database: Queryable, applyId: string): Promise<'cancel' | 'stop' | null> {
  const { rows } = await database.query<{ operation: 'cancel' | 'stop' }>(
    `SELECT operation FROM _skein.control_requests
      WHERE apply_id = $1 AND status = 'pending' AND operation IN ('stop', 'cancel') ORDER BY operation LIMIT 1`,
    [applyId],
  );
  return rows[0]?.operation ?? null;
}
