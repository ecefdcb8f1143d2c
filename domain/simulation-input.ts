import type { Control } from './apply.js';
import type { RolloutPolicy } from './spec.js';

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
