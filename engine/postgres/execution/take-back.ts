import { databaseText } from '../errors.js';
import { finishStep, markLeftover, noteStep, readLeftovers, resetStep, type StoredStep } from '../storage/steps.js';
import { writeLog } from '../storage/logs.js';
import { describeBlocker } from './activity.js';
import type { ExecutionContext } from './context.js';
import { attemptDropUnfinished, dropIndexBriefly, inspectIndex } from './index-step.js';
import type { StepOutcome } from './step-attempt.js';
import { kindOfStepError } from './step-error.js';
import { attemptUndo } from './transaction-step.js';
import { backoffMs, type Backoff } from './wake.js';

/** Every try may hold writers up for the length of a lock time-out, so tries become rare. */
const BACKOFF: Backoff = { initialMs: 50, maxMs: 5_000 };

/** How far to go back, and how long to try. */
export interface TakeBack {
  readonly applyId: string;
  /** All steps of one or several changes, in order of execution. */
  readonly steps: readonly StoredStep[];
  /**
   * `unfinished`: only what an interrupted statement left (a stop: done steps stay done, to go on from there).
   * `everything`: whole changes, so that it is as if they had never begun (a failure, a cancel).
   */
  readonly extent: 'unfinished' | 'everything';
  /** Gives up after this long; what is left is marked and tried again later. Null tries without end. */
  readonly budgetMs: number | null;
}

/** Takes what has been done back, last step first. Gives false when something had to be left. */
export async function takeBackChanges(context: ExecutionContext, takeBack: TakeBack): Promise<boolean> {
  const deadline = takeBack.budgetMs === null ? Number.POSITIVE_INFINITY : Date.now() + takeBack.budgetMs;
  let complete = true;
  for (const step of takeBack.steps.toReversed()) {
    if (takeBack.extent === 'unfinished' && step.state === 'done') continue;
    if (step.state === 'pending' && !step.leftover) continue;
    complete = (await takeBackStep(context, takeBack, step, deadline)) && complete;
  }
  return complete;
}

async function takeBackStep(
  context: ExecutionContext,
  takeBack: TakeBack,
  step: StoredStep,
  deadline: number,
): Promise<boolean> {
  const { applyId } = takeBack;
  for (let tries = 1; ; tries += 1) {
    const outcome = await attemptTakeBack(context, takeBack, step);
    if (outcome.kind === 'done') {
      await recordTakenBack(context, takeBack, step);
      return true;
    }
    const kind = kindOfStepError(outcome.error);
    if (kind === 'connection') throw outcome.error;
    const waitMs = backoffMs(BACKOFF, tries);
    const held = outcome.blocker === null ? '' : `, blocked by ${describeBlocker(outcome.blocker)}`;
    if (kind === 'permanent' || Date.now() + waitMs > deadline) {
      await markLeftover(context.session.client, applyId, step.position, step.step.kind !== 'transaction');
      await writeLog(context.session.client, applyId, {
        level: 'warn',
        event: 'leftover',
        changePosition: step.changePosition,
        message: `could not take back ${step.step.statement}: ${databaseText(outcome.error)}${held}`,
      });
      return false;
    }
    await noteStep(context.session.client, applyId, step.position, {
      text: `cleaning up, attempt ${tries}${held}`,
      blocker: outcome.blocker,
    });
    await context.wake.wait(waitMs);
  }
}

/** Writes down how the step stands after it was taken back. */
async function recordTakenBack(
  context: ExecutionContext,
  { applyId, extent }: TakeBack,
  stored: StoredStep,
): Promise<void> {
  const { step } = stored;
  if (stored.state === 'done') return;
  // An interrupted drop cannot be taken back; finishing it was the way to leave nothing half-done.
  if (step.kind === 'drop_index') return;
  const finished =
    step.kind === 'build_index' &&
    extent === 'unfinished' &&
    (await inspectIndex(context, step.schema, step.index)).kind === 'valid';
  // The build won against the stop that was on its way.
  if (finished) await finishStep(context.session.client, applyId, stored.position);
  else await resetStep(context.session.client, applyId, stored.position);
}

async function attemptTakeBack(
  context: ExecutionContext,
  takeBack: TakeBack,
  stored: StoredStep,
): Promise<StepOutcome> {
  const { step } = stored;
  if (step.kind === 'transaction') {
    if (stored.state !== 'done' || step.undo === null) return { kind: 'done' };
    return attemptUndo(context, { applyId: takeBack.applyId, position: stored.position }, step.undo, (client) =>
      resetStep(client, takeBack.applyId, stored.position),
    );
  }
  const dropped = await attemptDropUnfinished(context, step.schema, step.index);
  if (dropped.kind === 'error' || step.kind === 'drop_index' || takeBack.extent === 'unfinished') return dropped;
  // An index that was there before this apply came is not ours to drop.
  if (stored.attempts === 0) return dropped;
  // A finished index of a change that failed later, such as a UNIQUE constraint that could not be added.
  try {
    // Absent where an earlier try was cut short between the two.
    if ((await inspectIndex(context, step.schema, step.index)).kind !== 'absent') {
      await dropIndexBriefly(context, step.schema, step.index);
    }
    await resetStep(context.session.client, takeBack.applyId, stored.position);
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'error', error, blocker: null };
  }
}

/** Tries once more to drop the unfinished indexes of applies that rest or have ended. Gives whether one is still left. */
export async function tidyLeftovers(context: ExecutionContext): Promise<boolean> {
  let left = false;
  for (const { applyId, step } of await readLeftovers(context.session.client)) {
    if (step.step.kind === 'transaction') continue;
    const outcome = await attemptDropUnfinished(context, step.step.schema, step.step.index);
    if (outcome.kind === 'error') {
      left = true;
      continue;
    }
    await markLeftover(context.session.client, applyId, step.position, false);
    await writeLog(context.session.client, applyId, {
      level: 'info',
      event: 'leftover_removed',
      changePosition: step.changePosition,
      message: `the unfinished index ${step.step.schema}.${step.step.index} has been dropped`,
    });
  }
  return left;
}
