import type { ChangeKind } from '../../change.js';
import { isInstant, type Change, type Step } from '../planning/change.js';
import type { Queryable } from '../database.js';
import type { Blocker } from './blocker.js';

export type StepState = 'pending' | 'running' | 'done';

/** One step of an apply and how far it is. `running` means "an attempt has begun", also after a crash. */
export interface StoredStep {
  readonly position: number;
  readonly changePosition: number;
  readonly step: Step;
  readonly state: StepState;
  /** Attempts begun, across restarts. */
  readonly attempts: number;
  /** The highest percent seen in the current attempt. */
  readonly percent: number;
  /** What it waits for or why it is tried again, for people. Empty while it simply works. */
  readonly note: string;
  /** Who held the lock that the last attempt waited for. */
  readonly blocker: Blocker | null;
  /** An unfinished index of this step is still in the catalogue and could not be dropped yet. */
  readonly leftover: boolean;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
}

export interface StoredChange {
  readonly position: number;
  readonly namespace: string;
  readonly table: string;
  readonly kind: ChangeKind;
  readonly ddl: string;
  readonly instant: boolean;
  /** Rows of the table as the statistics had them when the apply was accepted; "0" when unknown. */
  readonly estimatedRows: string;
  readonly errorMessage: string;
}

/**
 * Writes the changes of a new apply and their steps, in order of execution: with a deferred cutover first those that run
 * before it. `rowsOf` is what the statistics say.
 */
export async function insertChanges(
  database: Queryable,
  applyId: string,
  changes: readonly Change[],
  { deferCutover, rowsOf }: { readonly deferCutover: boolean; readonly rowsOf: (change: Change) => number },
): Promise<void> {
  for (const [changePosition, change] of changes.entries()) {
    await database.query(
      `INSERT INTO _skein.changes (apply_id, position, namespace, table_name, kind, ddl, instant, estimated_rows)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        applyId,
        changePosition,
        change.namespace,
        change.table,
        change.kind,
        change.ddl,
        isInstant(change),
        rowsOf(change),
      ],
    );
  }
  for (const [position, { changePosition, step }] of inOrderOfExecution(changes, deferCutover).entries()) {
    await database.query(
      `INSERT INTO _skein.steps (apply_id, position, change_position, step) VALUES ($1, $2, $3, $4)`,
      [applyId, position, changePosition, JSON.stringify(step)],
    );
  }
}

/** Without a deferred cutover no step waits, and none says that it does. */
function inOrderOfExecution(changes: readonly Change[], deferCutover: boolean) {
  const planned = changes.flatMap(({ steps }, changePosition) => steps.map((step) => ({ changePosition, step })));
  if (!deferCutover) {
    return planned.map(({ changePosition, step: { waitsBecause: _reason, ...step } }) => ({ changePosition, step }));
  }
  return [
    ...planned.filter(({ step }) => step.waitsBecause === undefined),
    ...planned.filter(({ step }) => step.waitsBecause !== undefined),
  ];
}

export async function readChanges(database: Queryable, applyId: string): Promise<readonly StoredChange[]> {
  const { rows } = await database.query<{
    position: number;
    namespace: string;
    table_name: string;
    kind: ChangeKind;
    ddl: string;
    instant: boolean;
    estimated_rows: string;
    error_message: string;
  }>('SELECT * FROM _skein.changes WHERE apply_id = $1 ORDER BY position', [applyId]);
  return rows.map((row) => ({
    position: row.position,
    namespace: row.namespace,
    table: row.table_name,
    kind: row.kind,
    ddl: row.ddl,
    instant: row.instant,
    estimatedRows: row.estimated_rows,
    errorMessage: row.error_message,
  }));
}

export async function readSteps(database: Queryable, applyId: string): Promise<readonly StoredStep[]> {
  const { rows } = await database.query<StepRow>('SELECT * FROM _skein.steps WHERE apply_id = $1 ORDER BY position', [
    applyId,
  ]);
  return rows.map(fromRow);
}

interface StepRow {
  readonly position: number;
  readonly change_position: number;
  readonly step: Step;
  readonly state: StepState;
  readonly attempts: number;
  readonly percent: number;
  readonly note: string;
  readonly blocker: Blocker | null;
  readonly leftover: boolean;
  readonly started_at: Date | null;
  readonly completed_at: Date | null;
}

function fromRow(row: StepRow): StoredStep {
  return {
    position: row.position,
    changePosition: row.change_position,
    step: row.step,
    state: row.state,
    attempts: row.attempts,
    percent: row.percent,
    note: row.note,
    blocker: row.blocker,
    leftover: row.leftover,
    startedAt: row.started_at,
    completedAt: row.completed_at,
  };
}

/** Records, before the statement is sent, that an attempt begins. */
export async function beginStep(database: Queryable, applyId: string, position: number): Promise<void> {
  await database.query(
    `UPDATE _skein.steps
        SET state = 'running', attempts = attempts + 1, percent = 0, started_at = clock_timestamp()
      WHERE apply_id = $1 AND position = $2 AND state <> 'done'`,
    [applyId, position],
  );
}

/**
 * Marks a step done, exactly once: gives false when it was done already. Inside the transaction of a `transaction` step
 * that false must roll the statement back.
 */
export async function finishStep(database: Queryable, applyId: string, position: number): Promise<boolean> {
  const { rowCount } = await database.query(
    `UPDATE _skein.steps
        SET state = 'done', percent = 100, note = '', blocker = NULL, leftover = false, completed_at = clock_timestamp()
      WHERE apply_id = $1 AND position = $2 AND state <> 'done'`,
    [applyId, position],
  );
  return rowCount === 1;
}

/** Takes a step's mark back, after its effect has been taken back or was cut short. */
export async function resetStep(database: Queryable, applyId: string, position: number): Promise<void> {
  await database.query(
    `UPDATE _skein.steps SET state = 'pending', percent = 0, note = '', blocker = NULL, leftover = false, completed_at = NULL
      WHERE apply_id = $1 AND position = $2`,
    [applyId, position],
  );
}

/** Says what a running step waits for. An empty note says that it waits no more. */
export async function noteStep(
  database: Queryable,
  applyId: string,
  position: number,
  note: { readonly text: string; readonly blocker: Blocker | null },
): Promise<void> {
  await database.query(
    `UPDATE _skein.steps SET note = $3, blocker = $4
      WHERE apply_id = $1 AND position = $2 AND state <> 'done' AND (note <> $3 OR blocker IS DISTINCT FROM $4::jsonb)`,
    [applyId, position, note.text, note.blocker === null ? null : JSON.stringify(note.blocker)],
  );
}

/** Keeps the highest percent of the current attempt, so that what is shown never goes down. */
export async function raisePercent(
  database: Queryable,
  applyId: string,
  position: number,
  percent: number,
): Promise<void> {
  await database.query(
    `UPDATE _skein.steps SET percent = $3 WHERE apply_id = $1 AND position = $2 AND state = 'running' AND percent < $3`,
    [applyId, position, percent],
  );
}

export async function markLeftover(
  database: Queryable,
  applyId: string,
  position: number,
  leftover: boolean,
): Promise<void> {
  await database.query('UPDATE _skein.steps SET leftover = $3 WHERE apply_id = $1 AND position = $2', [
    applyId,
    position,
    leftover,
  ]);
}

/** Unfinished indexes of applies that rest or have ended, to be dropped when their table can be locked. */
export async function readLeftovers(database: Queryable): Promise<readonly { applyId: string; step: StoredStep }[]> {
  const { rows } = await database.query<StepRow & { apply_id: string }>(
    `SELECT s.* FROM _skein.steps s JOIN _skein.applies a USING (apply_id)
      WHERE s.leftover AND a.state IN ('stopped', 'failed', 'cancelled') ORDER BY a.operation_id, s.position`,
  );
  return rows.map((row) => ({ applyId: row.apply_id, step: fromRow(row) }));
}

export async function failChange(
  database: Queryable,
  applyId: string,
  position: number,
  message: string,
): Promise<void> {
  await database.query('UPDATE _skein.changes SET error_message = $3 WHERE apply_id = $1 AND position = $2', [
    applyId,
    position,
    message,
  ]);
}

/**
 * The DDL that earlier applies of the same desired schema have carried out on this target, all steps done. It tells what
 * this engine has done of a reviewed plan from what somebody else changed.
 */
export async function readDoneStatements(database: Queryable, schemaDigest: string): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ ddl: string }>(
    `SELECT DISTINCT c.ddl FROM _skein.changes c JOIN _skein.applies a USING (apply_id)
      WHERE a.schema_digest = $1 AND NOT EXISTS (
        SELECT FROM _skein.steps s
         WHERE s.apply_id = c.apply_id AND s.change_position = c.position AND s.state <> 'done')`,
    [schemaDigest],
  );
  return new Set(rows.map((row) => row.ddl));
}
