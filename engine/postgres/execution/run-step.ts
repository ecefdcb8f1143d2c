import { setApplyState } from '../storage/applies.js';
import { readInterrupt } from '../storage/controls.js';
import { writeLog } from '../storage/logs.js';
import { noteStep, type StoredChange, type StoredStep } from '../storage/steps.js';
import { databaseText } from '../errors.js';
import type { Blocker } from '../storage/blocker.js';
import { describeBlocker } from './activity.js';
import type { ExecutionContext } from './context.js';
import { attemptIndexBuild, attemptIndexDrop } from './index-step.js';
import type { StepAttempt, StepOutcome } from './step-attempt.js';
import { kindOfStepError, StepFailed } from './step-error.js';
import { attemptTransaction } from './transaction-step.js';
import { backoffMs, type Backoff } from './wake.js';

/** Between two tries for a lock. Rate-limited, not bounded in number: only people can end whoever holds it. */
const LOCK_BACKOFF: Backoff = { initialMs: 100, maxMs: 5_000 };
/** Between two tries after the server could not do it. */
const TRANSIENT_BACKOFF: Backoff = { initialMs: 500, maxMs: 60_000 };
/** After this many errors that the server calls temporary, the step fails: then somebody has to look. */
const TRANSIENT_ATTEMPTS_MAX = 10;

/**
 * Carries one step through to `done`, however often it has to be tried, or gives `interrupted` when a stop or cancel is
 * recorded. Throws `StepFailed` when no repeat can help, and the connection's error when the connection is lost: what
 * happened to the statement is then read from the catalogue by whoever holds the fence next.
 */
export async function runStep(
  context: ExecutionContext,
  applyId: string,
  change: StoredChange,
  step: StoredStep,
): Promise<'done' | 'interrupted'> {
  const attempt: StepAttempt = { applyId, position: step.position };
  const begunAt = Date.now();
  let lockTries = 0;
  let transientTries = 0;
  let retrying = false;
  for (;;) {
    if ((await readInterrupt(context.session.client, applyId)) !== null) return 'interrupted';
    const outcome = await attemptStep(context, attempt, step);
    if (outcome.kind === 'done') {
      const state = step.step.waitsBecause === undefined ? 'running' : 'cutting_over';
      if (retrying) await setApplyState(context.session.client, applyId, state);
      return 'done';
    }
    const { error, blocker } = outcome;
    const kind = kindOfStepError(error);
    if (kind === 'connection') throw error;
    if (kind === 'permanent') throw stepFailed(change, step, error);
    if ((await readInterrupt(context.session.client, applyId)) !== null) return 'interrupted';
    let waitMs: number;
    if (kind === 'lock') {
      lockTries += 1;
      if (blocker !== null) await yieldAutovacuum(context, attempt, blocker);
      const held = blocker === null ? '' : `, blocker ${describeBlocker(blocker)}`;
      await noteStep(context.session.client, applyId, step.position, {
        text: `waiting for lock, attempt ${lockTries}${held}`,
        blocker,
      });
      await logRetry(context, attempt, step, lockTries, `waiting for lock${held}`);
      waitMs = backoffMs(LOCK_BACKOFF, lockTries);
      retrying ||=
        Date.now() - begunAt > context.lockPatienceMs &&
        (await showRetrying(context, applyId, `waiting for lock${held}`));
    } else {
      transientTries += 1;
      if (transientTries >= TRANSIENT_ATTEMPTS_MAX) throw stepFailed(change, step, error);
      const text = `attempt ${transientTries} of ${TRANSIENT_ATTEMPTS_MAX} ended with: ${databaseText(error)}`;
      await noteStep(context.session.client, applyId, step.position, { text, blocker: null });
      await logRetry(context, attempt, step, transientTries, text);
      waitMs = backoffMs(TRANSIENT_BACKOFF, transientTries);
      retrying = (await showRetrying(context, applyId, text)) || retrying;
    }
    await context.wake.wait(waitMs);
  }
}

function attemptStep(context: ExecutionContext, attempt: StepAttempt, { step }: StoredStep): Promise<StepOutcome> {
  switch (step.kind) {
    case 'transaction':
      return attemptTransaction(context, attempt, step);
    case 'build_index':
      return attemptIndexBuild(context, attempt, step);
    case 'drop_index':
      return attemptIndexDrop(context, attempt, step);
  }
}

function stepFailed(change: StoredChange, { step }: StoredStep, cause: unknown): StepFailed {
  return new StepFailed({ namespace: change.namespace, table: change.table, statement: step.statement, cause });
}

/**
 * PostgreSQL lets autovacuum give way to whoever has waited for a second. Our waits are shorter than that, so it is asked
 * here; not when it prevents a wraparound, and where the role may not, it is simply waited for.
 */
async function yieldAutovacuum(context: ExecutionContext, attempt: StepAttempt, blocker: Blocker): Promise<void> {
  if (!blocker.query.startsWith('autovacuum:') || blocker.query.includes('wraparound')) return;
  const { rows } = await context.pool
    .query<{ asked: boolean }>('SELECT pg_cancel_backend($1) AS asked', [blocker.pid])
    .catch(() => ({ rows: [] }));
  if (rows[0]?.asked !== true) return;
  const message = `asked ${blocker.query} (pid ${blocker.pid}) to give way; the server runs it again later`;
  await writeLog(context.session.client, attempt.applyId, { level: 'info', event: 'autovacuum_yielded', message });
}

/** The engine tries again by itself: visible as a pause, not as an end (engine contract E37). */
async function showRetrying(context: ExecutionContext, applyId: string, message: string): Promise<true> {
  await setApplyState(context.session.client, applyId, 'failed_retryable', message);
  return true;
}

/** Retries are logged when they are 1, 2, 4, 8, … so that a long wait does not fill the log. */
async function logRetry(
  context: ExecutionContext,
  attempt: StepAttempt,
  step: StoredStep,
  tries: number,
  message: string,
): Promise<void> {
  if (!Number.isInteger(Math.log2(tries))) return;
  await writeLog(context.session.client, attempt.applyId, {
    level: 'warn',
    event: 'step_retry',
    changePosition: step.changePosition,
    message: `${step.step.statement}: ${message}`,
    metadata: { attempt: tries },
  });
}
