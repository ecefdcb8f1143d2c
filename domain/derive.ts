import { type OperationFacts, isSetback } from './operation.js';
import type { RolloutPolicy } from './spec.js';
import { type ApplyState, type OperationState, hasEnded } from './state.js';
import { type WaveFacts, nextWave } from './wave.js';

/** The recorded controls that the derivation and the rollout depend on. */
export interface ControlFacts {
  readonly stop: boolean;
  readonly cancel: boolean;
  /** A latch for the rest of the apply, also over stop and start. */
  readonly release: boolean;
}

/** Everything that the state of an apply follows from (I5). */
export interface Situation {
  readonly policy: RolloutPolicy;
  /** In rollout order. */
  readonly operations: readonly OperationFacts[];
  readonly waves: readonly WaveFacts[];
  readonly controls: ControlFacts;
}

/** What an apply waits for while nothing moves by itself. Exit code 4 follows it for those that need a person. */
export const WAITING_FOR = ['engine', 'release', 'cutover', 'revert_window', 'bake', 'gate'] as const;

export type WaitingFor = (typeof WAITING_FOR)[number];

/** Those that only a person can end. */
export const WAITS_FOR_PERSON: readonly WaitingFor[] = ['release', 'cutover', 'gate'];

/** Setbacks of one wave. */
export function countSetbacks(operations: readonly OperationFacts[], wave: number): number {
  return operations.filter((operation) => operation.wave === wave && isSetback(operation)).length;
}

/**
 * The policy is open while no wave has more setbacks than its tolerance, or failure does not matter, or it was released
 * (design 5).
 */
export function isPolicyOpen({ policy, operations, controls }: PolicySituation): boolean {
  if (policy.onFailure === 'continue' || controls.release) return true;
  return policy.waves.every(({ failureTolerance }, wave) => countSetbacks(operations, wave) <= failureTolerance);
}

type PolicySituation = Pick<Situation, 'policy' | 'operations'> & { readonly controls: Pick<ControlFacts, 'release'> };

/** "2 setbacks in wave canary, failureTolerance 1": why a policy is open or closed, for messages. */
export function describeSetbacks({ policy, operations }: Pick<Situation, 'policy' | 'operations'>): string {
  return policy.waves
    .map((wave, index) => ({ wave, setbacks: countSetbacks(operations, index) }))
    .filter(({ setbacks }) => policy.waves.length === 1 || setbacks > 0)
    .map(({ wave, setbacks }) => {
      const where = policy.waves.length === 1 ? '' : ` in wave ${wave.name}`;
      return `${setbacks} ${setbacks === 1 ? 'setback' : 'setbacks'}${where}, failureTolerance ${wave.failureTolerance}`;
    })
    .concat(`onFailure ${policy.onFailure}`)
    .join(', ');
}

/**
 * The state of an apply: a pure function of its operations, its frozen policy and its recorded controls (I5). The rules
 * are those of design 5 in its order; the first match wins.
 */
export function deriveApplyState(params: Situation): ApplyState {
  const { operations, controls } = params;
  if (operations.length > 0 && operations.every((operation) => hasEnded(operation.state)))
    return deriveEnd(operations, controls);
  if (controls.cancel) return 'cancelling';
  if (controls.stop) return 'stopping';
  if (operations.some(isSetback)) return isHeldByPause(params) ? 'paused' : 'running_degraded';
  if (!operations.some((operation) => operation.started)) return 'pending';
  return deriveMovement(params);
}

function deriveEnd(operations: readonly OperationFacts[], controls: ControlFacts): ApplyState {
  const any = (state: OperationState) => operations.some((operation) => operation.state === state);
  if (any('failed')) return 'failed';
  if (controls.cancel) return 'cancelled';
  if (operations.some((operation) => operation.state === 'stopped' && operation.reason !== 'skip')) return 'stopped';
  if (any('cancelled')) return 'cancelled';
  if (any('reverted')) return 'reverted';
  return 'completed';
}

/** Rules 5 and 6: something started, nothing failed, no stop. Each of rule 5 needs at least one such operation. */
function deriveMovement(params: Situation): ApplyState {
  const live = params.operations.filter((operation) => !hasEnded(operation.state));
  const liveAndStarted = live.filter((operation) => operation.started);
  if (liveAndStarted.length > 0 && liveAndStarted.every((operation) => operation.state === 'failed_retryable'))
    return 'failed_retryable';
  if (deriveWaitingFor(params) === 'cutover') return 'waiting_for_cutover';
  if (live.some((operation) => COPYING.includes(operation.state))) return 'running';
  if (live.some((operation) => operation.state === 'waiting_for_cutover' || operation.state === 'cutting_over'))
    return 'cutting_over';
  if (live.some((operation) => operation.state === 'reverting')) return 'reverting';
  if (live.some((operation) => operation.state === 'revert_window')) return 'revert_window';
  return 'running';
}

/** States before the copy is finished. */
const COPYING: readonly OperationState[] = ['pending', 'dispatching', 'running', 'failed_retryable'];

/**
 * Closed by pause with something held: pending, or parked under ordered or barrier on an engine that answers (design 5,
 * rule 3). Under manual a parked one waits for its own `cutover`, under rolling for nobody's turn.
 */
function isHeldByPause(params: Situation): boolean {
  const { policy, operations } = params;
  if (policy.onFailure !== 'pause' || isPolicyOpen(params)) return false;
  const holdsParked = policy.cutover === 'ordered' || policy.cutover === 'barrier';
  return operations.some(
    (operation) =>
      (operation.state === 'pending' && !operation.admitted) ||
      (holdsParked && operation.reachable && isParked(operation)),
  );
}

/** What the apply waits for, or null while something moves by itself or all has ended (design 5; first match wins). */
export function deriveWaitingFor(params: Situation): WaitingFor | null {
  const { policy, operations, controls } = params;
  const live = operations.filter((operation) => !hasEnded(operation.state));
  if (live.length === 0) return null;
  const halted = controls.stop || controls.cancel;
  const answering = live.filter((operation) => operation.reachable);
  if (answering.some((operation) => movesByItself(operation, halted))) return null;
  if (answering.some((operation) => operation.state === 'revert_window')) return 'revert_window';
  if (halted) return 'engine';
  if (isHeldByPause(params)) return 'release';
  const isClosed = !isPolicyOpen(params);
  if (live.some((one) => isParked(one) && (policy.cutover === 'manual' || isClosed || one.cutoverRefused)))
    return 'cutover';
  return nextWave(policy, operations, params.waves)?.waitsFor ?? 'engine';
}

/** One that has its permission waits for its engine, not for a person. */
function isParked(operation: OperationFacts): boolean {
  return operation.state === 'waiting_for_cutover' && !operation.permitted;
}

function movesByItself(operation: OperationFacts, halted: boolean): boolean {
  switch (operation.state) {
    case 'pending':
      return operation.admitted;
    case 'waiting_for_cutover':
      return operation.permitted && !halted;
    case 'dispatching':
    case 'running':
    case 'failed_retryable':
    case 'cutting_over':
    case 'reverting':
      return true;
    default:
      return false;
  }
}
