import { permitted } from './cutover-turn.js';
import { type ControlFacts, isPolicyOpen } from './derive.js';
import type { OperationFacts } from './operation.js';
import type { RolloutPolicy } from './spec.js';
import { type EndReason, OPERATION_STATE, hasEnded } from './state.js';
import { type NextWave, type WaveFacts, nextWave } from './wave.js';

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
  /** The wave that starts now, as its place in the policy's list. */
  readonly startWave: number | null;
  readonly admit: readonly string[];
  /** Parked operations that may cut over. */
  readonly permit: readonly string[];
  /** The wave that is to start next and the time or the person it waits for; null when it is not that. */
  readonly wait: NextWave | null;
  /** Every operation has ended. */
  readonly settle: boolean;
}

interface Params {
  readonly policy: RolloutPolicy;
  /** In rollout order. */
  readonly operations: readonly RolloutOperation[];
  readonly waves: readonly WaveFacts[];
  readonly controls: ControlFacts;
}

/**
 * The whole rollout policy: what happens next, given everything known now. Pure, so that every case can be enumerated;
 * the workflow carries it out and holds no policy of its own (design 3.4 and 5).
 *
 * Precedence: cancel over stop over cutover over admission. Nothing is admitted after a stop (I2), nothing is admitted
 * while the width is used up (I9).
 */
export function decide(params: Params): Decision {
  const { policy, controls } = params;
  if (params.operations.every((operation) => hasEnded(operation.state))) return { ...NOTHING, settle: true };
  if (controls.cancel) return halt(params.operations, { by: 'cancel', reason: 'operator' });
  const toCancel = params.operations.filter(({ cancelAsked }) => cancelAsked);
  const asked = halt(toCancel, { by: 'cancel', reason: 'operator' });
  if (controls.stop) {
    const rest = params.operations.filter(({ cancelAsked }) => !cancelAsked);
    return both(asked, halt(rest, { by: 'stop', reason: 'operator' }));
  }
  const barred = endBarred({ ...params, operations: params.operations.filter(({ cancelAsked }) => !cancelAsked) });
  const touched = new Set([...asked.end, ...asked.halt, ...barred.end, ...barred.halt].map((one) => one.deployment));
  const others = params.operations.filter(({ deployment }) => !touched.has(deployment));
  const isOpen = isPolicyOpen(params);
  const forward = isOpen ? goOn(params, others) : close(policy, others);
  return { ...both(both(asked, barred), forward), permit: permitted(policy, params.operations, isOpen) };
}

/** What ends by either; forward goes only the second. */
function both(one: Decision, other: Decision): Decision {
  return { ...other, end: [...one.end, ...other.end], halt: [...one.halt, ...other.halt] };
}

const NOTHING: Decision = {
  end: [],
  halt: [],
  startWave: null,
  admit: [],
  permit: [],
  wait: null,
  settle: false,
};

/** The policy is open: the next wave may start, and what waits in started waves is admitted within the width. */
function goOn({ policy, operations, waves }: Params, candidates: readonly RolloutOperation[]): Decision {
  const next = nextWave(policy, operations, waves);
  const startWave = next?.waitsFor === null ? next.index : null;
  const isStarted = (wave: number) => wave === startWave || waves[wave]?.started === true;
  const waiting = candidates.filter(
    (operation) => isWaiting(operation) && (operation.resumes || isStarted(operation.wave)),
  );
  const inOrder = [
    ...waiting.filter((operation) => operation.resumes),
    ...waiting.filter((operation) => !operation.resumes),
  ];
  let inFlight = operations.filter(holdsSlot).length;
  const admit: string[] = [];
  for (const { deployment, wave } of inOrder) {
    if (inFlight >= (policy.waves[wave]?.maxConcurrency ?? 1)) break;
    admit.push(deployment);
    inFlight += 1;
  }
  return { ...NOTHING, startWave, admit, wait: startWave === null ? next : null };
}

/**
 * The policy is closed. Pause holds everything until a release. Halt ends what waits; what runs finishes or is stopped,
 * as `inFlight` says; what is parked waits for a person (design 5).
 */
function close(policy: RolloutPolicy, operations: readonly RolloutOperation[]): Decision {
  if (policy.onFailure === 'pause') return NOTHING;
  const ended = halt(operations.filter(isWaiting), { by: 'stop', reason: 'policy' });
  if (policy.inFlight === 'finish') return ended;
  const running = operations.filter((operation) => !isWaiting(operation) && holdsSlot(operation));
  return both(ended, halt(running, { by: 'stop', reason: 'policy' }));
}

/** A wave that was rejected or whose gate expired ends, and all later ones with it. */
function endBarred({ operations, waves }: Params): Decision {
  const first = waves.findIndex(({ barred }) => barred !== null);
  const reason = waves[first]?.barred ?? null;
  if (reason === null) return NOTHING;
  return halt(
    operations.filter((operation) => operation.wave >= first && isWaiting(operation)),
    { by: 'stop', reason },
  );
}

/**
 * What is not admitted ends without a call to its engine. A cancel also reaches those that have a remote apply, because
 * only the engine can end them for good (design 3, `cancel`). A change that is live cannot be stopped any more: revert
 * windows and reverts come to their own end (engine contract 2.6).
 */
function halt(
  operations: readonly RolloutOperation[],
  { by, reason }: { readonly by: 'stop' | 'cancel'; readonly reason: EndReason },
): Decision {
  const as = by === 'cancel' ? 'cancelled' : 'stopped';
  const endsHere = (operation: RolloutOperation) =>
    isWaiting(operation) && operation.atRest && !(by === 'cancel' && operation.resumes);
  const reached = operations.filter(
    ({ state }) => !hasEnded(state) && state !== 'revert_window' && state !== 'reverting',
  );
  return {
    ...NOTHING,
    end: reached.filter(endsHere).map(({ deployment }) => ({ deployment, as, reason })),
    halt: reached.filter((operation) => !endsHere(operation)).map(({ deployment }) => ({ deployment, by, reason })),
  };
}

function isWaiting(operation: RolloutOperation): boolean {
  return operation.state === 'pending' && !operation.admitted;
}

function holdsSlot(operation: RolloutOperation): boolean {
  return operation.admitted && (operation.state === 'pending' || OPERATION_STATE[operation.state].holdsSlot);
}
