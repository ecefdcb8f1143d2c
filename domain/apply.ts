import type { Leftover, LintViolation, SchemaFiles, TableChange } from './plan.js';
import type { OperationOutcome } from './operation.js';
import type { ApplySpec, RolloutPolicy } from './spec.js';
import type { ApplyState, OperationState } from './state.js';
import type { WaveRecord } from './wave.js';

/**
 * A plan that one or more deployments share: the same statements in the same order. It stands once in the history of an
 * apply, however many deployments run it (design 3, Size).
 */
export interface PlanClass {
  /** SHA-256 in hexadecimal of the canonical changes and schema, made by the client; workflows hash nothing. */
  readonly digest: string;
  /** Empty means nothing to do: the operations of this class complete without a dispatch. */
  readonly changes: readonly TableChange[];
  readonly lintViolations: readonly LintViolation[];
  readonly leftovers: readonly Leftover[];
}

/** What one deployment runs: its engine's own plan id, and the class of its plan. */
export interface DeploymentPlan {
  readonly deployment: string;
  readonly planId: string;
  readonly digest: string;
}

/** The reviewed change, as it was planned on every deployment. */
export interface ApplyPlan {
  readonly schemaFiles: SchemaFiles;
  readonly classes: readonly PlanClass[];
  readonly deployments: readonly DeploymentPlan[];
}

/** Where an operation begins in this run of its apply. */
export interface InitialOperation {
  readonly deployment: string;
  /** It ended in an earlier run and is not touched in this one; null when it is to go on. */
  readonly ended: OperationOutcome | null;
  readonly attempt: number;
  /** The remote apply it goes on with; null for a new one. */
  readonly remoteApplyId: string | null;
  readonly remoteOperationId: string | null;
  /** An Apply may have been sent for this attempt in an earlier run. */
  readonly started: boolean;
  /** Nothing of it can be going on: never started, or its engine confirmed that the remote apply is stopped. */
  readonly atRest: boolean;
  /** When it was first started, ISO 8601; null when it never was. */
  readonly startedAt: string | null;
  /**
   * An earlier attempt whose end nobody knows. It is settled by its key or remote id before a new attempt is dispatched
   * (design 4, unconfirmed); null when there is none.
   */
  readonly unsettled: UnsettledAttempt | null;
  /** The change was found in place although the engine said failed: a retry verifies first (design 4.5). */
  readonly verifyFirst: boolean;
  /**
   * How it had ended before it was to be attempted anew. If the new attempt is never dispatched it ends so again
   * (design 3, `retry`); null for every operation that is not attempted anew.
   */
  readonly before: OperationOutcome | null;
  /** A person asked to end it for good: it goes on only to be cancelled. */
  readonly cancel: boolean;
  /** What its dispatch read before it sent, where it goes on with that remote apply; absent where that is not known. */
  readonly baseline?: readonly string[];
}

/** An attempt that may be alive on its engine although its operation has ended. */
export interface UnsettledAttempt {
  readonly attempt: number;
  readonly remoteApplyId: string | null;
  readonly baseline?: readonly string[];
}

/** Input of the apply workflow. The workflow id is the apply id. */
export interface ApplyInput {
  readonly spec: ApplySpec;
  /** SHA-256 of the canonical spec and the contents of its schema files; also in the memo. */
  readonly specDigest: string;
  readonly plan: ApplyPlan;
  /** Lets engines run changes they mark unsafe. Bound to the plan by `specDigest` and the digests of the classes. */
  readonly allowUnsafe: boolean;
  /** The plans of the deployments differ, and the person who started it allowed that. */
  readonly allowDrift: boolean;
  /** Who started it; handed to the engines and shown. */
  readonly caller: string;
  /** Null in the first run of an apply; set by `start`, `retry` and the cancel of a closed apply. */
  readonly carried: CarriedState | null;
}

/** What a new run of the same apply takes over from the one before (design 3, Ids and runs). */
export interface CarriedState {
  readonly operations: readonly InitialOperation[];
  readonly released: boolean;
  /** This run only cancels what earlier runs left stopped. */
  readonly cancel: boolean;
  readonly controls: readonly ControlRecord[];
  /** In the order of the policy. Approvals hold over runs; a bar does not. */
  readonly waves: readonly WaveRecord[];
  readonly startedAt: string | null;
}

/** Every control a person can send. */
export const CONTROLS = [
  'stop',
  'start',
  'retry',
  'cancel',
  'cutover',
  'release',
  'approve',
  'reject',
  'skip',
  'revert',
  'skip-revert',
] as const;

export type Control = (typeof CONTROLS)[number];

/** One accepted control, for the record. */
export interface ControlRecord {
  readonly name: Control;
  /** Who sent it, as far as the sender says; null for a bare signal. */
  readonly by: string | null;
  readonly at: string;
  /** When everything it asked for had happened; null until then. */
  readonly settledAt: string | null;
  /** The deployments it names; empty when it is for the whole apply. */
  readonly deployments: readonly string[];
  /** The wave of an `approve` or a `reject`; null otherwise. */
  readonly wave: string | null;
  readonly reason: string | null;
}

/** What the apply workflow knows of an operation (design 3): nothing finer is reported, because messages are what costs. */
export interface OperationView {
  readonly deployment: string;
  readonly target: string;
  /** Its wave, as the place in the policy's list. */
  readonly wave: number;
  /** The workflow to describe for what is finer: its id and run id; null run id before it was started. */
  readonly workflowId: string;
  readonly runId: string | null;
  readonly stage: 'pending' | 'admitted' | 'parked' | 'ended';
  /** The last state that its workflow reported, because the rollout depends on it; null before the first report. */
  readonly reported: OperationState | null;
  readonly permitted: boolean;
  readonly cutoverRefused: boolean;
  readonly cutoverAsked: boolean;
  readonly cancelAsked: boolean;
  /** What its engine said when it refused the cutover; empty when it did not. */
  readonly cutoverRefusal: string;
  readonly attempt: number;
  readonly remoteApplyId: string | null;
  readonly started: boolean;
  readonly startedAt: string | null;
  readonly outcome: OperationOutcome | null;
}

/** Answer of the apply workflow's `status` query. */
export interface ApplyView {
  readonly apply: string;
  readonly spec: ApplySpec;
  readonly policy: RolloutPolicy;
  readonly operations: readonly OperationView[];
  readonly waves: readonly WaveRecord[];
  /** The plans of the deployments differ, which was allowed when it was started. */
  readonly allowDrift: boolean;
  readonly controls: readonly ControlRecord[];
  readonly stop: boolean;
  readonly cancel: boolean;
  readonly released: boolean;
}

/** Result of the apply workflow, and the detail of its `ApplyFailed`. */
export interface ApplyResult {
  readonly apply: string;
  readonly state: ApplyState;
  readonly message: string;
  readonly operations: readonly OperationOutcome[];
  readonly waves: readonly WaveRecord[];
  readonly controls: readonly ControlRecord[];
  readonly released: boolean;
  readonly startedAt: string | null;
  /** Null only in `stopped`. */
  readonly completedAt: string | null;
}

/** A target that another apply holds, as `TargetHeld` names it (design 3.3). */
export interface HeldTarget {
  readonly deployment: string;
  readonly target: string;
  readonly workflowId: string;
  /** Null when the holder's memo says nothing. */
  readonly holderApplyId: string | null;
}
