import { Engine, type ProgressRequest, type ProgressResponse, type TableProgress } from '../../proto/gen/tern.js';
import { inSnapshot } from '../postgres/database.js';
import { failedPrecondition, invalidArgument } from '../errors.js';
import { describeBlocker, readActivity, type Activity } from '../postgres/execution/activity.js';
import { etaSeconds, percentOfIndexBuild } from '../postgres/execution/percent.js';
import {
  APPLY_STATE,
  findApply,
  findApplyByOperation,
  type ApplyState,
  type StoredApply,
} from '../postgres/storage/applies.js';
import { readControls, type ControlRequest } from '../postgres/storage/controls.js';
import { readChanges, readSteps, type StoredChange, type StoredStep } from '../postgres/storage/steps.js';
import type { Target } from '../postgres/postgres-target.js';
import { assertEnvironment } from './control-calls.js';
import { applyWithId, type EngineState } from './routing.js';
import { CHANGE_TYPE_ON_WIRE, STATE_ON_WIRE, timeOnWire } from './wire.js';

/**
 * Progress: what is recorded, and for a running statement what PostgreSQL's own statistics say about it. Reads only, and
 * touches no table of the target (engine contract 2.5, E34 to E39).
 */
export async function progress(engine: EngineState, request: ProgressRequest): Promise<ProgressResponse> {
  const { target, apply: found } = await applyWithId(engine, request.applyId);
  assertEnvironment(found, request.environment);
  await assertOperation(target, found, request.applyOperationId);
  const { apply, changes, steps, controls } = await inSnapshot(target.pool, async (client) => ({
    apply: (await findApply(client, found.applyId)) ?? found,
    changes: await readChanges(client, found.applyId),
    steps: await readSteps(client, found.applyId),
    controls: await readControls(client, found.applyId),
  }));
  const activity = APPLY_STATE[apply.state].working ? await readActivity(target.pool) : null;
  const current = APPLY_STATE[apply.state].final ? undefined : steps.find((step) => step.state !== 'done');
  const now = current === undefined ? null : momentOf(target, apply, current, activity);
  if (APPLY_STATE[apply.state].final) target.percentShown.forget(apply.applyId);
  const tables = changes.map((change) =>
    tableProgress(
      apply,
      change,
      steps.filter((step) => step.changePosition === change.position),
      now,
    ),
  );
  const done = tables.filter((table) => table.status === 'completed').length;
  return {
    applyId: apply.applyId,
    state: STATE_ON_WIRE[apply.state],
    engine: Engine.ENGINE_POSTGRES,
    summary: `${done} of ${tables.length} changes done${now === null || now.detail === '' ? '' : `; ${now.detail}`}`,
    errorMessage: apply.state === 'failed' || apply.state === 'failed_retryable' ? apply.errorMessage : '',
    tables,
    startedAt: timeOnWire(apply.startedAt),
    completedAt: timeOnWire(apply.completedAt),
    metadata: metadataOf(apply, controls, now),
    settledControlRequests: controls.flatMap((control) =>
      control.status === 'pending'
        ? []
        : [
            {
              operation: control.operation,
              status: control.status,
              errorMessage: control.errorMessage,
              settledAt: timeOnWire(control.settledAt),
              requestedBy: control.requestedBy,
            },
          ],
    ),
    applyOperationId: request.applyOperationId,
  };
}

/** An operation id that is given must be this apply's own (E39). */
async function assertOperation(target: Target, apply: StoredApply, operationId: string): Promise<void> {
  if (operationId === '' || operationId === apply.operationId) return;
  if (!/^[1-9][0-9]{0,17}$/.test(operationId)) {
    throw invalidArgument(`apply_operation_id ${JSON.stringify(operationId)} is not an operation id`);
  }
  const owner = await findApplyByOperation(target.pool, operationId);
  throw owner === null
    ? failedPrecondition(`apply_operation ${operationId} does not exist`)
    : failedPrecondition(`apply_operation ${operationId} belongs to another apply, not to ${apply.applyId}`);
}

/** What the step that is next is doing at this moment. */
interface Moment {
  readonly step: StoredStep;
  readonly percent: number;
  /** One line for people; empty while it simply works. */
  readonly detail: string;
  readonly phase: string;
  readonly blocker: StoredStep['blocker'];
  /** The statement runs in a session that is not this process's: another engine's, or the orphan of one that is gone. */
  readonly adopted: boolean;
}

function momentOf(target: Target, apply: StoredApply, step: StoredStep, activity: Activity | null): Moment {
  // Statistics are of this moment, the records of one just before: only together do they mean this step.
  const busy = activity?.busy === true && step.state === 'running' ? activity : null;
  if (apply.state === 'waiting_for_cutover') {
    const phase = 'waiting for cutover';
    return { step, percent: step.percent, detail: phase, phase, blocker: null, adopted: false };
  }
  const build = step.step.kind === 'build_index' ? (busy?.indexBuild ?? null) : null;
  const phase = build?.phase ?? (step.state === 'running' ? phaseOf(step) : 'pending');
  const waitsFor = build === null ? null : (busy?.blockers[0] ?? null);
  const works = apply.state === 'running' || apply.state === 'cutting_over';
  const idle = step.note === '' && works ? phase : step.note;
  return {
    step,
    percent: target.percentShown.raise(
      { applyId: apply.applyId, position: step.position, attempt: step.attempts },
      Math.max(build === null ? 0 : percentOfIndexBuild(build), step.percent),
    ),
    detail: waitsFor === null ? idle : `${phase}, blocked by ${describeBlocker(waitsFor)}`,
    phase,
    blocker: waitsFor ?? step.blocker,
    adopted: busy !== null && busy.pid !== target.executor.sessionPid,
  };
}

function phaseOf({ step, note }: StoredStep): string {
  if (note.startsWith('waiting for lock')) return 'waiting for lock';
  if (note.startsWith('cleaning up')) return 'cleaning up';
  if (step.kind === 'build_index') return 'building index';
  if (step.kind === 'drop_index') return 'dropping index';
  return step.scans ? 'validating' : 'altering';
}

function metadataOf(
  apply: StoredApply,
  controls: readonly ControlRequest[],
  now: Moment | null,
): Record<string, string> {
  const metadata: Record<string, string> = { plan_id: apply.planId };
  const pending = controls.filter((control) => control.status === 'pending').map((control) => control.operation);
  if (pending.length > 0) metadata['pending_controls'] = pending.join(',');
  if (apply.supersededBy !== null) metadata['superseded_by'] = apply.supersededBy;
  if (now === null) return metadata;
  if (now.adopted) metadata['adopted'] = 'true';
  metadata['phase'] = now.phase;
  metadata['attempts'] = String(now.step.attempts);
  if (now.blocker !== null && now.detail !== '') {
    metadata['blocker_pid'] = String(now.blocker.pid);
    metadata['blocker_application'] = now.blocker.application;
    metadata['blocker_state'] = now.blocker.state;
    metadata['blocker_query'] = now.blocker.query;
    metadata['blocker_open_seconds'] = String(now.blocker.openSeconds);
  }
  return metadata;
}

/** What a kind of step counts for in the percent of its change: roughly how long it takes. */
const STEP_WEIGHTS = { transaction: 1, scan: 20, build_index: 100, drop_index: 5 } as const;

function tableProgress(
  apply: StoredApply,
  change: StoredChange,
  steps: readonly StoredStep[],
  now: Moment | null,
): TableProgress {
  const own = now !== null && steps.some((step) => step.position === now.step.position) ? now : null;
  const completed = change.errorMessage === '' && steps.every((step) => step.state === 'done');
  const percent = completed ? 100 : percentOf(steps, own);
  // What is instant goes through no rows.
  const rowsTotal = change.instant ? 0 : Number(change.estimatedRows);
  const status = completed ? 'completed' : statusOf(apply, change, steps, own);
  const waits = status === 'waiting_for_cutover';
  const elapsed = own?.step.startedAt == null ? 0 : (Date.now() - own.step.startedAt.getTime()) / 1_000;
  const eta = own === null || waits ? null : etaSeconds(percent, elapsed);
  return {
    taskId: `${apply.operationId}-${change.position}`,
    namespace: change.namespace,
    tableName: change.table,
    ddl: change.ddl,
    status,
    // PostgreSQL counts blocks and tuples by phase; rows are the share of the table that the percent stands for.
    rowsCopied: String(Math.round((rowsTotal * percent) / 100)),
    rowsTotal: String(rowsTotal),
    percentComplete: percent,
    etaSeconds: String(eta ?? 0),
    isInstant: change.instant,
    shards: [],
    progressDetail: waits ? waitingDetail(steps) : (own?.detail ?? ''),
    changeType: CHANGE_TYPE_ON_WIRE[change.kind],
    checksumRowsChecked: '0',
    checksumRowsTotal: '0',
    errorMessage: change.errorMessage,
    throttled: false,
    throttleReason: '',
    estimatedBytes: undefined,
  };
}

/** `own`: what its step does, where the step that is next is one of this change. */
function statusOf(
  apply: StoredApply,
  change: StoredChange,
  steps: readonly StoredStep[],
  own: Moment | null,
): ApplyState {
  if (change.errorMessage !== '') return 'failed';
  if (apply.state === 'stopped' || apply.state === 'cancelled') return apply.state;
  if (apply.state === 'failed' || apply.state === 'pending') return 'pending';
  if (statementsThatWait(steps).length === steps.filter((step) => step.state !== 'done').length) {
    const isInCutover = apply.state === 'cutting_over' || apply.state === 'failed_retryable';
    return isInCutover && own !== null ? apply.state : 'waiting_for_cutover';
  }
  if (steps.every((step) => step.state === 'pending')) return 'pending';
  return apply.state === 'failed_retryable' ? 'failed_retryable' : 'running';
}

function statementsThatWait(steps: readonly StoredStep[]): readonly string[] {
  return steps.flatMap(({ state, step }) =>
    state === 'done' || step.waitsBecause === undefined ? [] : [`${step.statement} (${step.waitsBecause})`],
  );
}

/** What of a change waits, and why it does. */
function waitingDetail(steps: readonly StoredStep[]): string {
  return `waiting for cutover: ${statementsThatWait(steps).join('; ')}`;
}

function percentOf(steps: readonly StoredStep[], now: Moment | null): number {
  let done = 0;
  let all = 0;
  for (const { step, state, position, percent } of steps) {
    const weight = STEP_WEIGHTS[step.kind === 'transaction' && step.scans ? 'scan' : step.kind];
    all += weight;
    const own = state === 'done' ? 100 : position === now?.step.position ? now.percent : percent;
    done += (weight * own) / 100;
  }
  return all === 0 ? 0 : Math.min(99, Math.floor((100 * done) / all));
}
