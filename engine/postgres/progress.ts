import type pg from 'pg';
import { APPLY_STATE, type ApplyState } from '../apply-state.js';
import type { ApplyProgress, ChangeProgress, StoredApply } from '../target.js';
import { inSnapshot } from './database.js';
import { type Activity, describeBlocker, readActivity } from './execution/activity.js';
import { etaSeconds, type PercentShown, percentOfIndexBuild } from './execution/percent.js';
import { findApply } from './storage/applies.js';
import { readControls } from './storage/controls.js';
import { readChanges, readSteps, type StoredChange, type StoredStep } from './storage/steps.js';

export interface ProgressSource {
  readonly pool: pg.Pool;
  readonly percentShown: PercentShown;
  /** The server's process that carries out this process's statements; null while it does not hold the fence. */
  readonly sessionPid: number | null;
}

/**
 * What is recorded of an apply, and for a running statement what PostgreSQL's own statistics say about it. Reads only, and
 * touches no table of the target (engine contract 2.5, E34 to E39).
 */
export async function readProgress(applyId: string, source: ProgressSource): Promise<ApplyProgress | null> {
  const recorded = await inSnapshot(source.pool, async (client) => ({
    apply: await findApply(client, applyId),
    changes: await readChanges(client, applyId),
    steps: await readSteps(client, applyId),
    controls: await readControls(client, applyId),
  }));
  const { apply, changes, steps, controls } = recorded;
  if (apply === null) return null;
  const activity = APPLY_STATE[apply.state].working ? await readActivity(source.pool) : null;
  const current = APPLY_STATE[apply.state].final ? undefined : steps.find((step) => step.state !== 'done');
  const now = current === undefined ? null : momentOf(source, apply, current, activity);
  if (APPLY_STATE[apply.state].final) source.percentShown.forget(apply.applyId);
  return {
    apply,
    controls,
    changes: changes.map((change) =>
      changeProgress(
        apply,
        change,
        steps.filter((step) => step.changePosition === change.position),
        now,
      ),
    ),
    detail: now?.detail ?? '',
    facts: now === null ? {} : factsOf(now),
  };
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

function momentOf(source: ProgressSource, apply: StoredApply, step: StoredStep, activity: Activity | null): Moment {
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
    percent: source.percentShown.raise(
      { applyId: apply.applyId, position: step.position, attempt: step.attempts },
      Math.max(build === null ? 0 : percentOfIndexBuild(build), step.percent),
    ),
    detail: waitsFor === null ? idle : `${phase}, blocked by ${describeBlocker(waitsFor)}`,
    phase,
    blocker: waitsFor ?? step.blocker,
    adopted: busy !== null && busy.pid !== source.sessionPid,
  };
}

function phaseOf({ step, note }: StoredStep): string {
  if (note.startsWith('waiting for lock')) return 'waiting for lock';
  if (note.startsWith('cleaning up')) return 'cleaning up';
  if (step.kind === 'build_index') return 'building index';
  if (step.kind === 'drop_index') return 'dropping index';
  return step.scans ? 'validating' : 'altering';
}

function factsOf(now: Moment): Record<string, string> {
  const facts: Record<string, string> = now.adopted ? { adopted: 'true' } : {};
  facts['phase'] = now.phase;
  facts['attempts'] = String(now.step.attempts);
  if (now.blocker !== null && now.detail !== '') {
    facts['blocker_pid'] = String(now.blocker.pid);
    facts['blocker_application'] = now.blocker.application;
    facts['blocker_state'] = now.blocker.state;
    facts['blocker_query'] = now.blocker.query;
    facts['blocker_open_seconds'] = String(now.blocker.openSeconds);
  }
  return facts;
}

/** What a kind of step counts for in the percent of its change: roughly how long it takes. */
const STEP_WEIGHTS = { transaction: 1, scan: 20, build_index: 100, drop_index: 5 } as const;

function changeProgress(
  apply: StoredApply,
  change: StoredChange,
  steps: readonly StoredStep[],
  now: Moment | null,
): ChangeProgress {
  const own = now !== null && steps.some((step) => step.position === now.step.position) ? now : null;
  const completed = change.errorMessage === '' && steps.every((step) => step.state === 'done');
  const percent = completed ? 100 : percentOf(steps, own);
  // What is instant goes through no rows.
  const rowsTotal = change.instant ? 0 : Number(change.estimatedRows);
  const status = completed ? 'completed' : statusOf(apply, change, steps, own);
  const waits = status === 'waiting_for_cutover';
  const elapsed = own?.step.startedAt == null ? 0 : (Date.now() - own.step.startedAt.getTime()) / 1_000;
  const { position, namespace, table, kind, ddl, instant, errorMessage } = change;
  return {
    position,
    namespace,
    table,
    kind,
    ddl,
    status,
    // PostgreSQL counts blocks and tuples by phase; rows are the share of the table that the percent stands for.
    rowsDone: Math.round((rowsTotal * percent) / 100),
    rowsTotal,
    percent,
    etaSeconds: own === null || waits ? null : etaSeconds(percent, elapsed),
    instant,
    detail: waits ? waitingDetail(steps) : (own?.detail ?? ''),
    errorMessage,
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
