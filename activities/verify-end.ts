import { Context } from '@temporalio/activity';
import { withOperationIds } from '../domain/ids.js';
import type { LiveDetail } from '../domain/live.js';
import { OPERATION_STATE, type OperationState } from '../domain/state.js';
import { type Verification, shortened } from '../domain/verification.js';
import { abandonable, pause } from './beat.js';
import type { WatchEnd, WatchInput } from './contract.js';
import { asEngineFailure } from './failure.js';
import type { ActivityPorts } from './ports.js';
import { readDifference } from './verify-plan.js';

/** Times the diff is tried before a failure is recorded without it. */
const DIFF_TRIES_AFTER_FAILURE = 3;

/** What the verification needs of the watch that saw the end. */
export interface Verifier {
  readonly ports: ActivityPorts;
  readonly input: WatchInput;
  /** What the heartbeat says now. */
  readonly shown: () => LiveDetail;
  /** Puts what it waits for into the heartbeat. */
  readonly show: (change: Partial<LiveDetail>) => void;
  /** How long it waits before it reads a diff again that could not be had. */
  readonly retryMs: () => number;
}

/** An end as the engine told it, judged by the engine's own diff (design 4.5). What was undone or halted needs no proof. */
export async function verifyEnd(end: WatchEnd, verifier: Verifier): Promise<WatchEnd> {
  const { verify } = verifier.input;
  if (end.state === 'completed' && !verify && end.progress === null) return withoutTasks(end, verifier);
  if (!verify || (end.state !== 'completed' && end.state !== 'failed')) return end;
  verifier.show({
    state: stateWhileVerifying(verifier.shown().state),
    phase: 'verifying',
    progress: end.progress,
    detail: '',
    parkedSince: null,
    parkedUntil: null,
    progressAt: new Date().toISOString(),
  });
  return end.state === 'completed' ? verifyCompletion(end, verifier) : examineFailure(end, verifier);
}

/** Never back: what was cutting over is not running again. A park that is over was left by a cutover, however short. */
function stateWhileVerifying(before: OperationState): OperationState {
  if (before === 'waiting_for_cutover') return 'cutting_over';
  return OPERATION_STATE[before].rank > OPERATION_STATE.running.rank ? before : 'running';
}

/** Completed, and not one task of a plan that has changes: without a verification nothing says that it was done (design 6). */
function withoutTasks(end: WatchEnd, { input }: Verifier): WatchEnd {
  const message = 'the engine reported completed for an operation without tasks, although its plan has changes';
  return { ...end, state: 'failed', message: withIds(input, message), confirmed: false };
}

/** A completion counts once the engine's own diff holds nothing of this plan any more (design 4.5, I12). */
async function verifyCompletion(end: WatchEnd, verifier: Verifier): Promise<WatchEnd> {
  const { input, ports, show, retryMs } = verifier;
  const signal = Context.current().cancellationSignal;
  let isSecondReading = false;
  for (;;) {
    if (signal.aborted) return Context.current().cancelled;
    try {
      const verification = await readOnce(verifier);
      if (isInPlace(verification)) return { ...end, drift: shortened(verification.drift) };
      if (isSecondReading) return disbelieve(end, input, verification);
      isSecondReading = true;
      await pause(ports.timings.verifyAgainMs, signal);
    } catch (error) {
      const failure = asEngineFailure(error);
      show({ detail: `the verification cannot be read: ${failure.message}`, lastError: failure.message });
      await pause(retryMs(), signal);
    }
  }
}

/** Said completed, and it is not there, or nobody can tell. What is missing is the worse of the two, so it is said first. */
function disbelieve(end: WatchEnd, input: WatchInput, verification: Verification): WatchEnd {
  const missing = shortened(verification.missing).join('; ');
  const unverifiable = shortened(verification.unverifiable).join('; ');
  const failed = { ...end, state: 'failed', drift: shortened(verification.drift) } as const;
  if (missing !== '') {
    const beside =
      unverifiable === '' ? '' : `; beside it, it cannot be told whether it is part of this change: ${unverifiable}`;
    const text = `the engine reported completed, but ${missing} is still missing${beside}`;
    return { ...failed, message: withIds(input, text) };
  }
  const before =
    input.baseline == null
      ? 'and there is no diff from before the dispatch to compare with'
      : 'and was not in the diff from before the dispatch';
  const text =
    `the engine reported completed, which cannot be verified: its diff holds ${unverifiable}, which may be part of this change ${before}. ` +
    'Look at the target; then `retry` verifies it again, without a new attempt, and `skip --reason` leaves it as it is';
  return { ...failed, message: withIds(input, text), confirmed: false, unverified: true };
}

function isInPlace({ missing, unverifiable }: Verification): boolean {
  return missing.length === 0 && unverifiable.length === 0;
}

/** Before a failure is recorded the diff is read as well: the change may be there in spite of it. */
export async function examineFailure(end: WatchEnd, verifier: Verifier): Promise<WatchEnd> {
  const { input, ports } = verifier;
  const signal = Context.current().cancellationSignal;
  const message = withIds(input, end.message || 'the engine reported failed without a message');
  for (let tries = 0; tries < DIFF_TRIES_AFTER_FAILURE && !signal.aborted; tries += 1) {
    try {
      const verification = await readOnce(verifier);
      const drift = shortened(verification.drift);
      if (verification.missing.length > 0) return { ...end, message, drift };
      if (verification.unverifiable.length > 0) return inDoubt({ ...end, message, drift }, verification);
      return {
        ...end,
        drift,
        changeInPlace: true,
        message: `${message}. The change is there although the engine says failed; retry verifies it and completes the operation without a new attempt`,
      };
    } catch (error) {
      asEngineFailure(error);
      await pause(ports.timings.missingAgainMs, signal);
    }
  }
  return {
    ...end,
    message: `${message} (the diff could not be read, so it is not known whether the change is there)`,
  };
}

/**
 * Nothing of the plan is left for certain, and yet the change cannot be called in place. Where its engine cannot say how it
 * ended either, a retry verifies again before it sends anything.
 */
function inDoubt(end: WatchEnd, { unverifiable }: Verification): WatchEnd {
  const clauses = shortened(unverifiable).join('; ');
  const text = `it is not known whether the change is there, because the diff holds ${clauses}, which may be part of it`;
  return { ...end, message: `${end.message}; ${text}`, ...(end.confirmed ? {} : { unverified: true }) };
}

async function readOnce({ ports, input }: Verifier): Promise<Verification> {
  const { scope } = input;
  const plan = await ports.plans.fetch(scope);
  const engine = ports.engines.engineFor(scope.deployment);
  const reading = readDifference({ engine, scope, plan, baseline: input.baseline ?? null });
  return abandonable(reading, Context.current().cancellationSignal);
}

function withIds(input: WatchInput, message: string): string {
  return withOperationIds(message, { ...input.scope, remoteApplyId: input.remoteApplyId });
}
