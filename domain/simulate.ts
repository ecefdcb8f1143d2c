import { type WaitingFor, deriveApplyState, deriveWaitingFor, isPolicyOpen } from './derive.js';
import { SimulatedWorld } from './simulated-world.js';
import type { SimulatedOperation, SimulationEvent, SimulationInput } from './simulation-input.js';
import { type ApplyState, type EndReason, type OperationState, hasEnded } from './state.js';

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
