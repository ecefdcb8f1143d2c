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
  /** It fails this long after its dispatch, not after its copy is finished; null when it does not. */
  readonly failsAfterMs: number | null;
  /** It fails at the end of its cutover. Of no meaning under `rolling`, where an engine cuts over by itself. */
  readonly failsAtCutover: boolean;
  /** Its plan is empty: it has completed before anything starts. */
  readonly nothingToDo: boolean;
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
  /** What had happened when the policy closed for the first time, or at the end when it never did. */
  readonly reachedBeforeClosing: Reach;
}

/** How far a rollout has come, as numbers of deployments. */
export interface Reach {
  /** Dispatched: their engines are at it, or were. */
  readonly started: number;
  /** What can be seen in their databases has changed, or is about to: all that started under `rolling`, else those that began to cut over. */
  readonly changed: number;
}

/**
 * Runs a rollout without any server: the same `decide` and the same derivation as the apply workflow, on operations that
 * behave as they are told to. Pure, and the same every time.
 */
export function simulate(input: SimulationInput): Simulation {
  const world = new SimulatedWorld(input);
  let reached: Reach | null = null;
  for (;;) {
    world.carryOutDecisions();
    if (reached === null && !isPolicyOpen(world.situation())) reached = world.reach();
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
    reachedBeforeClosing: reached ?? world.reach(),
  };
}

/**
 * How far a bad change comes before the policy closes, at most: it fails everywhere, and as late as it can, at the end of
 * the copies or at the cutovers. All of them under `onFailure: continue`. People answer at once, and nobody stops it.
 */
export function worstCase(input: SimulationInput): Reach {
  const everywhere = (fails: (operation: SimulatedOperation) => Partial<SimulatedOperation>) =>
    simulate({
      ...input,
      operations: input.operations.map((operation) => ({ ...operation, ...NEVER_FAILS, ...fails(operation) })),
      controls: [],
      approveAfterMs: 0,
      cutoverAfterMs: 0,
    }).reachedBeforeClosing;
  const copying = everywhere(({ copyMs }) => ({ failsAfterMs: copyMs }));
  const cuttingOver = input.policy.cutover === 'rolling' ? copying : everywhere(() => ({ failsAtCutover: true }));
  return {
    started: Math.max(copying.started, cuttingOver.started),
    changed: Math.max(copying.changed, cuttingOver.changed),
  };
}

const NEVER_FAILS = { failsAfterMs: null, failsAtCutover: false } as const;
