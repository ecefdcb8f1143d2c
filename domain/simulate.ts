import type { Control } from './apply.js';
import { type WaitingFor, deriveApplyState, deriveWaitingFor, isPolicyOpen } from './derive.js';
import { SimulatedWorld } from './simulated-world.js';
import type { RolloutPolicy } from './spec.js';
import { type ApplyState, type EndReason, type OperationState, hasEnded } from './state.js';

/** How one deployment is taken to behave. Times in milliseconds. */
export interface SimulatedOperation {
  readonly deployment: string;
  /** From its dispatch until its copy is finished; under `rolling` until it is completed. */
  readonly copyMs: number;
  /** From its permission until its change is live. Of no meaning under `rolling`. */
  readonly cutoverMs: number;
  /** It fails this long after its dispatch; null when it does not. */
  readonly failsAfterMs: number | null;
}

/** A control that a person sends so long after the start. */
export interface SimulatedControl {
  readonly atMs: number;
  readonly name: Extract<Control, 'stop' | 'cancel' | 'release' | 'approve' | 'reject' | 'cutover'>;
  readonly wave: string | null;
  readonly deployments: readonly string[];
}

export interface SimulationInput {
  readonly policy: RolloutPolicy;
  /** In rollout order. */
  readonly operations: readonly SimulatedOperation[];
  readonly controls: readonly SimulatedControl[];
  /** A person approves every gate so long after it is waited for; null when nobody does. */
  readonly approveAfterMs: number | null;
  /** A person permits every cutover that waits for one so long after it is waited for; null when nobody does. */
  readonly cutoverAfterMs: number | null;
}

export interface SimulationEvent {
  /** Since the start. */
  readonly atMs: number;
  /** The deployment or the wave it happens to; null for the whole apply. */
  readonly subject: string | null;
  readonly what: string;
}

export interface Simulation {
  readonly events: readonly SimulationEvent[];
  /** Where it ends, or stands when only a person can move it on. */
  readonly state: ApplyState;
  readonly waitingFor: WaitingFor | null;
  readonly elapsedMs: number;
  readonly operations: readonly {
    readonly deployment: string;
    readonly state: OperationState;
    readonly reason: EndReason | null;
    readonly startedAtMs: number | null;
    readonly endedAtMs: number | null;
  }[];
  /** Deployments that were dispatched before the policy closed for the first time; all that were, when it never did. */
  readonly reachedBeforeClosing: number;
}

/**
 * Runs a rollout without any server: the same `decide` and the same derivation as the apply workflow, on operations that
 * behave as they are told to. Pure, and the same every time.
 */
export function simulate(input: SimulationInput): Simulation {
  const world = new SimulatedWorld(input);
  let reached: number | null = null;
  for (;;) {
    world.carryOutDecisions();
    if (reached === null && !isPolicyOpen(world.situation())) reached = world.dispatched;
    if (world.operations.every(({ state }) => hasEnded(state)) || !world.advance()) break;
  }
  const situation = world.situation();
  return {
    events: world.events,
    state: deriveApplyState(situation),
    waitingFor: deriveWaitingFor(situation),
    elapsedMs: world.nowMs,
    operations: world.operations.map((operation) => ({
      deployment: operation.deployment,
      state: operation.state,
      reason: operation.reason,
      startedAtMs: operation.startedAtMs,
      endedAtMs: operation.endedAtMs,
    })),
    reachedBeforeClosing: reached ?? world.dispatched,
  };
}

/**
 * The most deployments that a bad change reaches before the policy closes: every one fails, and as late as it can. All
 * of them under `onFailure: continue`.
 */
export function worstCase(input: SimulationInput): number {
  const operations = input.operations.map((operation) => ({ ...operation, failsAfterMs: operation.copyMs }));
  return simulate({ ...input, operations, controls: [], approveAfterMs: 0 }).reachedBeforeClosing;
}
