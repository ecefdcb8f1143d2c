import { type ControlFacts, countSetbacks, isPolicyOpen } from './derive.js';
import type { OperationFacts } from './operation.js';
import type { RolloutPolicy } from './spec.js';
import { type EndReason, OPERATION_STATE, hasEnded } from './state.js';

/** What the rollout needs to know of an operation beyond its facts. */
export interface RolloutOperation extends OperationFacts {
  /** It was stopped in an earlier run and has a remote apply to go on with: such operations go first, and only their engine can end them for good (design 3). */
  readonly resumes: boolean;
  /** Nothing of it can be going on: it was never started, or its engine confirmed that its remote apply is stopped. */
  readonly atRest: boolean;
}

/** What the apply workflow does next. Everything in it may be carried out at once, in this order. */
export interface Decision {
  /** Operations that end now without ever being admitted, and why. */
  readonly end: readonly {
    readonly deployment: string;
    readonly as: 'stopped' | 'cancelled';
    readonly reason: EndReason;
  }[];
  /** Operations on an engine, to be halted there. */
  readonly halt: readonly { readonly deployment: string; readonly by: 'stop' | 'cancel'; readonly reason: EndReason }[];
  readonly admit: readonly string[];
  /** Parked operations that may cut over. */
  readonly permit: readonly string[];
  /** Every operation has ended. */
  readonly settle: boolean;
}

/**
 * The whole rollout policy: what happens next, given everything known now. Pure, so that every case can be enumerated;
 * the workflow carries it out and holds no policy of its own (design 3.4 and 5).
 *
 * Precedence: cancel over stop over cutover over admission. Nothing is admitted after a stop (I2), nothing is admitted
 * while the width is used up (I9).
 */
export function decide(params: {
  readonly policy: RolloutPolicy;
  readonly operations: readonly RolloutOperation[];
  readonly controls: ControlFacts;
}): Decision {
  const { policy, operations, controls } = params;
  if (operations.every((operation) => hasEnded(operation.state))) return { ...NOTHING, settle: true };
  if (controls.cancel) return halt(operations, 'cancel');
  if (controls.stop) return halt(operations, 'stop');

  const waiting = operations.filter(isWaiting);
  if (!isPolicyOpen(policy, countSetbacks(operations), controls)) {
    if (policy.onFailure === 'pause') return NOTHING;
    return {
      ...NOTHING,
      end: waiting
        .filter((operation) => operation.atRest)
        .map(({ deployment }) => ({ deployment, as: 'stopped', reason: 'policy' })),
      halt: waiting
        .filter((operation) => !operation.atRest)
        .map(({ deployment }) => ({ deployment, by: 'stop', reason: 'policy' })),
    };
  }
  const inOrder = [
    ...waiting.filter((operation) => operation.resumes),
    ...waiting.filter((operation) => !operation.resumes),
  ];
  const room = Math.max(0, policy.maxConcurrency - operations.filter(holdsSlot).length);
  return {
    ...NOTHING,
    admit: inOrder.slice(0, room).map((operation) => operation.deployment),
    permit: operations.filter(mayCutOver).map((operation) => operation.deployment),
  };
}

const NOTHING: Decision = { end: [], halt: [], admit: [], permit: [], settle: false };

/**
 * What is not admitted ends without a call to its engine. A cancel also reaches those that have a remote apply, because
 * only the engine can end them for good (design 3, `cancel`).
 */
function halt(operations: readonly RolloutOperation[], by: 'stop' | 'cancel'): Decision {
  const as = by === 'cancel' ? 'cancelled' : 'stopped';
  const endsHere = (operation: RolloutOperation) =>
    isWaiting(operation) && operation.atRest && !(by === 'cancel' && operation.resumes);
  const live = operations.filter((operation) => !hasEnded(operation.state));
  return {
    ...NOTHING,
    end: live.filter(endsHere).map(({ deployment }) => ({ deployment, as, reason: 'operator' })),
    halt: live
      .filter((operation) => !endsHere(operation))
      .map(({ deployment }) => ({ deployment, by, reason: 'operator' })),
  };
}

function isWaiting(operation: RolloutOperation): boolean {
  return operation.state === 'pending' && !operation.admitted;
}

function holdsSlot(operation: RolloutOperation): boolean {
  return operation.admitted && (operation.state === 'pending' || OPERATION_STATE[operation.state].holdsSlot);
}

/** Under a rolling cutover an engine that parks anyway is permitted at once, unless it refused before (design 5). */
function mayCutOver(operation: RolloutOperation): boolean {
  return operation.state === 'waiting_for_cutover' && !operation.permitted && !operation.cutoverRefused;
}
