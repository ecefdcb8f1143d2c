import type { ControlFacts } from '../../domain/derive.js';
import type { OperationFacts } from '../../domain/operation.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import type { WaveFacts } from '../../domain/wave.js';

/**
 * The rules of design section 5, written down a second time, sentence by sentence and without any of the code they
 * check: no table, no helper of the domain. Slow and plain on purpose.
 */
export interface Situation {
  readonly policy: RolloutPolicy;
  readonly operations: readonly OperationFacts[];
  readonly waves: readonly WaveFacts[];
  readonly controls: ControlFacts;
}

/** "An operation that ended `failed` (and was not skipped) or `reverted`, or was stopped or cancelled on its engine by someone else." */
function countsAsSetback(operation: OperationFacts): boolean {
  if (operation.state === 'failed') return !operation.skipped;
  if (operation.state === 'reverted') return !operation.skipped;
  if (operation.state === 'stopped' && operation.reason === 'engine') return !operation.skipped;
  if (operation.state === 'cancelled' && operation.reason === 'engine') return !operation.skipped;
  return false;
}

function isEnded({ state }: OperationFacts): boolean {
  return (
    state === 'completed' || state === 'failed' || state === 'stopped' || state === 'cancelled' || state === 'reverted'
  );
}

/** "The policy is open while no wave has more setbacks than its tolerance, or `onFailure` is continue, or it was released." */
export function plainlyOpen({ policy, operations, controls }: Omit<Situation, 'waves'>): boolean {
  if (policy.onFailure === 'continue') return true;
  if (controls.release) return true;
  for (let wave = 0; wave < policy.waves.length; wave += 1) {
    let setbacks = 0;
    for (const operation of operations) if (operation.wave === wave && countsAsSetback(operation)) setbacks += 1;
    if (setbacks > (policy.waves[wave]?.failureTolerance ?? 0)) return false;
  }
  return true;
}

/** "Closed by pause, and something is held (pending, or parked under ordered or barrier on an engine that answers)". */
function plainlyHeld(situation: Situation): boolean {
  if (plainlyOpen(situation) || situation.policy.onFailure !== 'pause') return false;
  for (const { state, admitted, permitted, reachable } of situation.operations) {
    if (state === 'pending' && !admitted) return true;
    if (state !== 'waiting_for_cutover' || permitted || !reachable) continue;
    if (situation.policy.cutover === 'ordered' || situation.policy.cutover === 'barrier') return true;
  }
  return false;
}

/**
 * "A wave starts when all of the one before have ended, it has baked, and, if gated, was approved." What the first wave
 * that has not started waits for, once those before it have ended; null when it waits for neither, or is barred.
 */
function plainWaveWait({ policy, operations, waves }: Situation): 'bake' | 'gate' | null {
  for (let wave = 0; wave < waves.length; wave += 1) {
    const facts = waves[wave];
    if (facts === undefined || facts.started) continue;
    if (facts.barred !== null) return null;
    for (const operation of operations) if (operation.wave < wave && !isEnded(operation)) return null;
    const somethingToBake = operations.some((operation) => operation.wave === wave - 1 && operation.started);
    if (wave > 0 && somethingToBake && waves[wave - 1]?.baked !== true) return 'bake';
    const somethingToApprove = operations.some((operation) => operation.wave === wave && !isEnded(operation));
    return policy.waves[wave]?.gate === 'manual' && !facts.approved && somethingToApprove ? 'gate' : null;
  }
  return null;
}

/** Rules 1 to 6 of the derived apply state. */
export function plainState(situation: Situation): string {
  const { operations, controls } = situation;
  if (operations.every(isEnded)) {
    if (operations.some(({ state }) => state === 'failed')) return 'failed';
    if (controls.cancel) return 'cancelled';
    if (operations.some(({ state, reason }) => state === 'stopped' && reason !== 'skip')) return 'stopped';
    if (operations.some(({ state }) => state === 'cancelled')) return 'cancelled';
    if (operations.some(({ state }) => state === 'reverted')) return 'reverted';
    return 'completed';
  }
  if (controls.cancel) return 'cancelling';
  if (controls.stop) return 'stopping';
  if (operations.some(countsAsSetback)) return plainlyHeld(situation) ? 'paused' : 'running_degraded';
  if (!operations.some(({ started }) => started)) return 'pending';
  return plainMovement(situation);
}

function plainMovement(situation: Situation): string {
  const live = situation.operations.filter((operation) => !isEnded(operation));
  const started = live.filter((operation) => operation.started);
  if (started.length > 0 && !started.some(({ state }) => state !== 'failed_retryable')) return 'failed_retryable';
  if (plainWait(situation) === 'cutover') return 'waiting_for_cutover';
  const copying = live.filter(
    ({ state }) =>
      state === 'pending' || state === 'dispatching' || state === 'running' || state === 'failed_retryable',
  );
  if (copying.length === 0) {
    if (live.some(({ state }) => state === 'waiting_for_cutover' || state === 'cutting_over')) return 'cutting_over';
    if (live.some(({ state }) => state === 'reverting')) return 'reverting';
    if (live.some(({ state }) => state === 'revert_window')) return 'revert_window';
  }
  return 'running';
}

/** `waitingFor`, first match wins. */
export function plainWait(situation: Situation): string | null {
  const { operations, controls } = situation;
  const halted = controls.stop || controls.cancel;
  const live = operations.filter((operation) => !isEnded(operation));
  if (live.length === 0) return null;
  const answering = live.filter(({ reachable }) => reachable);
  for (const { state, admitted, permitted } of answering) {
    if (state === 'pending' && admitted) return null;
    if (state === 'dispatching' || state === 'running' || state === 'failed_retryable') return null;
    if (state === 'waiting_for_cutover' && permitted && !halted) return null;
    if (state === 'cutting_over' || state === 'reverting') return null;
  }
  if (answering.some(({ state }) => state === 'revert_window')) return 'revert_window';
  if (halted) return 'engine';
  if (plainlyHeld(situation)) return 'release';
  const parked = live.filter(({ state, permitted }) => state === 'waiting_for_cutover' && !permitted);
  if (parked.length > 0 && situation.policy.cutover === 'manual') return 'cutover';
  if (parked.length > 0 && !plainlyOpen(situation)) return 'cutover';
  if (parked.some(({ cutoverRefused }) => cutoverRefused)) return 'cutover';
  return plainWaveWait(situation) ?? 'engine';
}
