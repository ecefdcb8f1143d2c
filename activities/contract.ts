import type { PlanInput, DeploymentAnswer } from '../domain/planning.js';
import type { DeploymentLogs, LogsInput } from '../domain/log.js';
import type { OperationOutcome } from '../domain/operation.js';
import type { Progress } from '../domain/observation.js';
import type { EndedState, OperationState } from '../domain/state.js';
import type { Baseline, Verification } from '../domain/verification.js';

/**
 * What workflows may ask of the world. Types only, written by hand, so that workflow code sees no Node and no gRPC.
 *
 * Every activity talks to one engine, is safe to repeat, and heartbeats. An operation's activities carry its own scope
 * and its own remote apply id; there is no way to name another's.
 */
export interface Activities {
  /**
   * Sends Apply until the engine gives a definite answer (design 4.2). The same key on every send. Before the first send it
   * reads the diff of an engine that does not compare for itself, for the verification (design 4.5). Cancelled by the
   * workflow on a stop: returns `not_sent` when nothing was sent in this attempt, and otherwise waits for the call in
   * flight before it gives up.
   */
  dispatch(input: DispatchInput): Promise<DispatchAnswer>;
  /** Settles a dispatch whose answer was lost: by lookup, or by sending the same Apply once more and Stop at once (I2). */
  resolveDispatch(input: ResolveInput): Promise<ResolveAnswer>;
  /** Follows a remote apply until there is the news that `until` asks for, and verifies the end (design 4.4, 4.5). */
  watch(input: WatchInput): Promise<WatchAnswer>;
  /** Delivers a stop or a cancel, again and again, until the engine reports an end. Cancelled once the watch saw it first. */
  control(input: ControlInput): Promise<ControlAnswer>;
  /** Goes on with a stopped remote apply: asks Progress first and sends Start only if it is stopped (C36). */
  startRemote(input: RemoteInput): Promise<StartAnswer>;
  /** Permits the cutover: asks Progress first, and never sends it again once the engine is cutting over (C37). */
  cutover(input: RemoteInput): Promise<CutoverAnswer>;
  /** Undoes a change in its revert window: asks Progress first, and is only sent while the window is open. */
  revert(input: RemoteInput): Promise<RevertAnswer>;
  /** Gives a revert window up, so that the change completes: asks Progress first, as `revert`. */
  skipRevert(input: RemoteInput): Promise<RevertAnswer>;
  /** Reads the engine's diff: is this plan done already? In place only if `remaining` is empty (design 4.5). */
  verifyPlan(input: OperationScope): Promise<VerifyAnswer>;
  /** Who holds a target's workflow id. */
  describeHolder(input: { readonly workflowId: string }): Promise<Holder>;
  /** Stops a former child of this apply and waits for it; null when it closed without an outcome. */
  awaitFormer(input: { readonly workflowId: string; readonly runId: string }): Promise<OperationOutcome | null>;
  /** Asks one deployment's engine what it would do. */
  planDeployment(input: PlanDeploymentInput): Promise<DeploymentAnswer>;
  /** Reads one deployment's engine log. */
  readLogs(input: ReadLogsInput): Promise<DeploymentLogs>;
}

/** Everything a call of one operation needs besides its remote apply. Names and digests only; the payload is fetched. */
export interface OperationScope {
  readonly applyId: string;
  /** The run whose input holds the plan. */
  readonly applyRunId: string;
  readonly deployment: string;
  readonly target: string;
  readonly database: string;
  readonly type: string;
  readonly environment: string;
  readonly planId: string;
  readonly planDigest: string;
  readonly attempt: number;
  /** Taken before the first send, ISO 8601; shown while it runs. */
  readonly startedAt: string | null;
  readonly caller: string;
}

export interface DispatchInput {
  readonly scope: OperationScope;
  readonly idempotencyKey: string;
  readonly allowUnsafe: boolean;
  /** The engine is to park with its copy finished until the cutover is permitted (design 5, cutover). */
  readonly deferCutover: boolean;
  /** An earlier workflow may have sent it, so that a diff read now is not one from before. Default false. */
  readonly perhapsSent?: boolean;
}

export type DispatchAnswer =
  | {
      readonly kind: 'accepted';
      readonly remoteApplyId: string;
      readonly remoteOperationId: string | null;
      /** What the diff held that no plan explains, right before the first send; null or absent where it is not known. */
      readonly baseline?: Baseline;
    }
  /** A definite no; `sent` is false when even the call was refused here, such as for an engine of the old dialect. */
  | { readonly kind: 'refused'; readonly message: string; readonly sent: boolean }
  /** Believed only from the first attempt of the activity (design 4.2). */
  | { readonly kind: 'not_sent'; readonly activityAttempt: number }
  /** Errors of a live engine for ten minutes, or an answer that breaks the contract: it may have been accepted unheard. */
  | { readonly kind: 'unconfirmed'; readonly message: string };

export interface ResolveInput extends DispatchInput {
  /** `stop`: nothing may go on; a re-send is followed by Stop at once. `settle`: an earlier attempt is being looked for. */
  readonly purpose: 'stop' | 'settle';
}

export type ResolveAnswer =
  | {
      readonly kind: 'found';
      readonly remoteApplyId: string;
      readonly remoteOperationId: string | null;
      readonly resolvedBy: 'lookup' | 'resend';
    }
  | { readonly kind: 'not_found'; readonly resolvedBy: 'lookup' | 'resend' }
  | { readonly kind: 'unconfirmed'; readonly message: string };

export interface RemoteInput {
  readonly scope: OperationScope;
  readonly remoteApplyId: string;
  readonly remoteOperationId: string | null;
}

export interface WatchInput extends RemoteInput {
  /**
   * Null adapts the interval to how long the watch has been going on. From 30 s up it holds no slot between looks. What is
   * parked never holds one and is looked at within 45 s, sooner if this is shorter.
   */
  readonly pollIntervalMs: number | null;
  readonly verify: boolean;
  readonly until: WatchUntil;
  /**
   * What the accepted answer of `cutover`, `revert` or `skipRevert` said, for a watch until `cutover` or `revert`; null
   * where none was sent. A request that the engine settled later as failed is the refusal of that one.
   */
  readonly settledBefore: string | null;
  /** Stale `stopped` samples are not believed for 30 s after a Start (C29). */
  readonly startedAgain: boolean;
  /** What the dispatch read before it sent; null or absent where that is not known. */
  readonly baseline?: Baseline;
}

/**
 * Where a watch begins, and with that what is news to it beside an end.
 *
 * `copy`: it is at work; parked at its cutover or in its revert window is news. `parked`: it is parked at its cutover; any
 * other state is. `cutover`: its cutover was accepted; the refusal of that cutover and a revert window are. `window`: it is
 * in its revert window; any other state is. `revert`: its revert or skip-revert was accepted; the refusal of that is.
 * `end`: it is being stopped or cancelled; a revert window is, because what is live cannot be stopped any more.
 *
 * An accepted request that changes nothing for `requestSettlesMs` counts as refused.
 */
export type WatchUntil = 'copy' | 'parked' | 'cutover' | 'window' | 'revert' | 'end';

/** The live states in which an engine waits for a decision of ours. */
export type ParkedState = Extract<OperationState, 'waiting_for_cutover' | 'revert_window'>;

export type WatchAnswer =
  | WatchEnd
  | { readonly kind: 'parked'; readonly state: ParkedState }
  | { readonly kind: 'left_parked'; readonly state: OperationState }
  | { readonly kind: 'cutover_refused'; readonly message: string }
  | { readonly kind: 'revert_refused'; readonly message: string };

export interface WatchEnd {
  readonly kind: 'ended';
  readonly state: EndedState;
  readonly message: string;
  readonly progress: Progress | null;
  readonly drift: readonly string[];
  /** The engine says failed and the diff says done. */
  readonly changeInPlace: boolean;
  /** False when the engine cannot say how it ended, or nobody can tell whether it did what it said. */
  readonly confirmed: boolean;
  /** Not confirmed, and the diff holds what nobody can tell from this plan. Absent: no. */
  readonly unverified?: boolean;
}

export interface ControlInput extends RemoteInput {
  readonly control: 'stop' | 'cancel';
}

export interface ControlAnswer {
  readonly state: EndedState;
  readonly message: string;
  /** False for a cancel that was accepted and left the remote apply stopped for two minutes. */
  readonly confirmed: boolean;
  readonly progress: Progress | null;
}

export type StartAnswer =
  | { readonly kind: 'going' }
  /** It had ended otherwise; the watch reads and verifies it. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'refused'; readonly message: string }
  /** Errors of a live engine for ten minutes, or an answer that breaks the contract: it may be going on unheard. */
  | { readonly kind: 'unconfirmed'; readonly message: string };

export type CutoverAnswer =
  | Requested
  /** It was cutting over already, or beyond. */
  | { readonly kind: 'past' }
  /** By the engine, or errors of a live engine for two minutes; what happened all the same shows in the state. */
  | { readonly kind: 'refused'; readonly message: string };

export type RevertAnswer =
  | Requested
  /** The window had closed, or the revert or the skip was under way or done: the watch reads which. */
  | { readonly kind: 'past' }
  /** By the engine, or errors of a live engine for two minutes; what happened all the same shows in the state. */
  | { readonly kind: 'refused'; readonly message: string };

/** The engine has recorded it; what comes of it shows in the state or in a settled request (C31). */
export interface Requested {
  readonly kind: 'accepted';
  /** When the engine had last settled a request of this kind before this one, in its own words; null for never. Belongs into the watch. */
  readonly settledBefore: string | null;
}

export interface VerifyAnswer extends Partial<Pick<Verification, 'missing' | 'unverifiable'>> {
  readonly drift: readonly string[];
  /** All that keeps the change from being in place. Alone in answers of earlier versions, which knew no more. */
  readonly remaining: readonly string[];
}

export interface Holder {
  /** Null when no such workflow is known any more. */
  readonly runId: string | null;
  readonly open: boolean;
  readonly applyId: string | null;
}

export interface PlanDeploymentInput {
  readonly deployment: string;
  readonly target: string;
  readonly database: string;
  readonly type: string;
  readonly environment: string;
  readonly schemaFiles: PlanInput['schemaFiles'];
}

export type ReadLogsInput = Pick<LogsInput, 'database' | 'type' | 'environment' | 'limit'> &
  Omit<LogsInput['operations'][number], 'queue'>;
