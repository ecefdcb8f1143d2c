import { APPLY_STATE, APPLY_STATES, type ApplyState } from '../../apply-state.js';
import type { NewApply, StoredApply } from '../../target.js';
import type { Queryable } from '../database.js';

/** In SQL, as the index of the one live apply has it. */
const LIVE_STATES = APPLY_STATES.filter((state) => APPLY_STATE[state].live).map((state) => `'${state}'`);

/** Names of the unique constraints that decide races between Apply calls. */
export const KEY_CONSTRAINT = 'applies_idempotency_key';
export const ONE_LIVE_INDEX = 'applies_one_live';

/** Inserts a pending apply and gives its operation id. Throws the unique violation that decides a race. */
export async function insertApply(database: Queryable, apply: NewApply): Promise<string> {
  const { rows } = await database.query<{ operation_id: string }>(
    `INSERT INTO _skein.applies
       (apply_id, idempotency_key, fingerprint, plan_id, schema_digest, database_name, type, environment, target, caller,
        defer_cutover, state)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'pending')
     RETURNING operation_id`,
    [
      apply.applyId,
      apply.idempotencyKey,
      apply.fingerprint,
      apply.planId,
      apply.schemaDigest,
      apply.database,
      apply.type,
      apply.environment,
      apply.target,
      apply.caller,
      apply.deferCutover,
    ],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`apply ${apply.applyId}: the insert returned no row`);
  return row.operation_id;
}

export async function findApply(database: Queryable, applyId: string): Promise<StoredApply | null> {
  return readOne(database, 'apply_id = $1', [applyId]);
}

/** As `findApply`, and keeps the row from changing until the transaction ends. */
export async function lockApply(database: Queryable, applyId: string): Promise<StoredApply | null> {
  return readOne(database, 'apply_id = $1 FOR UPDATE', [applyId]);
}

export async function findApplyByKey(database: Queryable, idempotencyKey: string): Promise<StoredApply | null> {
  return readOne(database, 'idempotency_key = $1', [idempotencyKey]);
}

/** Finds the owner of an operation id, to tell a foreign one from one that does not exist (engine contract E39). */
export async function findApplyByOperation(database: Queryable, operationId: string): Promise<StoredApply | null> {
  return readOne(database, 'operation_id = $1', [operationId]);
}

/** The apply that holds the target, if any. There is at most one. */
export async function findLiveApply(database: Queryable): Promise<StoredApply | null> {
  return readOne(database, `state IN (${LIVE_STATES.join(', ')})`, []);
}

/** Marks every resting apply as taken over, so that none of them can be started into a schema that has moved on. */
export async function supersedeStopped(database: Queryable, applyId: string): Promise<readonly string[]> {
  const { rows } = await database.query<{ apply_id: string }>(
    `UPDATE _skein.applies SET superseded_by = $1
      WHERE state = 'stopped' AND superseded_by IS NULL AND apply_id <> $1 RETURNING apply_id`,
    [applyId],
  );
  return rows.map((row) => row.apply_id);
}

/** Moves an apply to another state. A final state is never left: the update then changes nothing and gives false. */
export async function setApplyState(
  database: Queryable,
  applyId: string,
  state: ApplyState,
  errorMessage = '',
): Promise<boolean> {
  const { rowCount } = await database.query(
    `UPDATE _skein.applies
        SET state = $2, error_message = $3,
            started_at = CASE WHEN $2 = 'running' THEN coalesce(started_at, clock_timestamp()) ELSE started_at END,
            completed_at = CASE WHEN $4 THEN clock_timestamp() ELSE NULL END
      WHERE apply_id = $1 AND state NOT IN ('completed', 'failed', 'cancelled')`,
    [applyId, state, errorMessage, APPLY_STATE[state].final],
  );
  return rowCount === 1;
}

/**
 * Shows that an apply at work is being tried again. Leaves every other state alone, a parked one as well, so it needs no
 * fence.
 */
export async function markRetrying(database: Queryable, applyId: string, message: string): Promise<boolean> {
  const { rowCount } = await database.query(
    `UPDATE _skein.applies SET state = 'failed_retryable', error_message = $2
      WHERE apply_id = $1 AND state IN ('running', 'cutting_over')`,
    [applyId, message],
  );
  return rowCount === 1;
}

async function readOne(
  database: Queryable,
  condition: string,
  values: readonly unknown[],
): Promise<StoredApply | null> {
  const { rows } = await database.query<ApplyRow>(`SELECT * FROM _skein.applies WHERE ${condition}`, [...values]);
  const [row] = rows;
  return row === undefined ? null : fromRow(row);
}

interface ApplyRow {
  readonly operation_id: string;
  readonly apply_id: string;
  readonly idempotency_key: string | null;
  readonly fingerprint: string;
  readonly plan_id: string;
  readonly schema_digest: string;
  readonly database_name: string;
  readonly type: string;
  readonly environment: string;
  readonly target: string;
  readonly caller: string;
  readonly defer_cutover: boolean;
  readonly state: ApplyState;
  readonly error_message: string;
  readonly superseded_by: string | null;
  readonly started_at: Date | null;
  readonly completed_at: Date | null;
}

function fromRow(row: ApplyRow): StoredApply {
  return {
    applyId: row.apply_id,
    operationId: row.operation_id,
    idempotencyKey: row.idempotency_key,
    fingerprint: row.fingerprint,
    planId: row.plan_id,
    schemaDigest: row.schema_digest,
    database: row.database_name,
    type: row.type,
    environment: row.environment,
    target: row.target,
    caller: row.caller,
    deferCutover: row.defer_cutover,
    state: row.state,
    errorMessage: row.error_message,
    supersededBy: row.superseded_by,
    startedAt: row.started_at,
    completedAt: row.completed_at,
  };
}
