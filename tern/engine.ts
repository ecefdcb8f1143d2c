import type { FailureType } from '../domain/failure.js';
import type { EngineLog } from '../domain/log.js';
import type { Observation } from '../domain/observation.js';
import type { Plan, PlanDifference, SchemaFiles, TableChange } from '../domain/plan.js';

/**
 * The port to one engine, in the words of the domain. One implementation speaks gRPC (`grpc-engine.ts`); nothing outside
 * `tern/` knows the wire.
 *
 * Every method makes exactly one call with one deadline and never repeats a call that changes state: repeating is
 * Temporal's job (engine contract C40, C41). Every failure is an `EngineFailure`. The first call on a fresh connection
 * is preceded by the dialect probe (engine contract 5.6, C45); a plane of the old dialect is refused with
 * `DialectTooOld` before anything else is sent to it.
 */
export interface Engine {
  /**
   * Resolves once the connection is ready, and rejects with `Unreachable` (the last connection error in its message)
   * when it is not within `timeoutMs`, or as soon as `signal` aborts.
   */
  ready(params: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<void>;
  health(): Promise<EngineHealth>;
  /**
   * Whether Apply itself compares the live schema with the reviewed plan and refuses a target that has drifted. True of
   * the engines that offer `skein.lookup_by_key`, which are ours. Costs no call once the connection is proven.
   */
  comparesBeforeApply(): Promise<boolean>;
  plan(request: PlanRequest): Promise<Plan>;
  /** The engine's diff, nothing stored; safe to repeat (engine contract 2.2). */
  planDiff(request: PlanRequest): Promise<PlanDifference>;
  /**
   * Sends Apply once. The same request gives the same bytes on the wire every time, because a repeat with the same key
   * must be byte-identical (engine contract 2.3). Checks the answer: accepted without an id, or with another operation
   * key than expected, is `ContractBroken` (C07, C08); ids in a refusal are ignored (C06).
   */
  apply(request: ApplyRequest): Promise<ApplyAnswer>;
  /**
   * Looks an apply up by idempotency key. `unsupported` where the engine does not offer `skein.lookup_by_key`;
   * `not_found` is definite.
   */
  findApply(params: { readonly idempotencyKey: string; readonly target: string }): Promise<FindApplyAnswer>;
  /** Reads the state of a remote apply. An unknown id gives an observation `missing`, not an error. */
  progress(request: RemoteApplyReference): Promise<Observation>;
  stop(request: ControlRequest): Promise<ControlAnswer>;
  start(request: ControlRequest): Promise<ControlAnswer>;
  cancel(request: ControlRequest): Promise<ControlAnswer>;
  cutover(request: ControlRequest): Promise<ControlAnswer>;
  /** Undoes a change in its revert window. The wire takes neither caller nor operation: both are left out (engine contract 1.3). */
  revert(request: ControlRequest): Promise<ControlAnswer>;
  /** Gives the revert window up, so that the change completes. Without caller and operation, as `revert`. */
  skipRevert(request: ControlRequest): Promise<ControlAnswer>;
  logs(request: LogsRequest): Promise<readonly EngineLog[]>;
  close(): void;
}

/** Finds the engine of a deployment by name. Throws `UnknownDeployment`, naming the deployments this worker knows. */
export interface Engines {
  engineFor(deployment: string): Engine;
  /** A stable digest of the address, so that two deployments with one address can be told without showing it. */
  addressDigest(deployment: string): string;
}

export interface EngineHealth {
  readonly status: string;
  /** Empty where the engine does not say. Attribution only, never decided on. */
  readonly version: string;
  readonly capabilities: readonly string[];
  /** `limited`: renumbered, but without scoping, settled requests and FAILED_RETRYABLE (engine contract 5.6 and 7). */
  readonly dialect: 'full' | 'limited';
}

export interface PlanRequest {
  readonly database: string;
  readonly type: string;
  readonly environment: string;
  readonly target: string;
  readonly schemaFiles: SchemaFiles;
}

export interface ApplyRequest extends PlanRequest {
  readonly planId: string;
  readonly changes: readonly TableChange[];
  readonly idempotencyKey: string;
  readonly allowUnsafe: boolean;
  readonly deferCutover: boolean;
  readonly caller: string;
}

export type ApplyAnswer =
  | { readonly kind: 'accepted'; readonly remoteApplyId: string; readonly remoteOperationId: string | null }
  | { readonly kind: 'refused'; readonly message: string; readonly conflict: ApplyConflict | null };

/** Who holds the database, as far as the engine says (engine contract 1.3). */
export interface ApplyConflict {
  readonly table: string;
  readonly blockingState: string;
  readonly caller: string;
  readonly holderRemoteApplyId: string;
}

export type FindApplyAnswer =
  | { readonly kind: 'found'; readonly remoteApplyId: string; readonly remoteOperationId: string | null }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'unsupported' };

export interface RemoteApplyReference {
  readonly remoteApplyId: string;
  readonly environment: string;
  /** Asks for this operation only; an answer that does not echo it is `ContractBroken` (C26). Null on the limited dialect. */
  readonly remoteOperationId: string | null;
}

export interface ControlRequest extends RemoteApplyReference {
  readonly caller: string;
}

/** The engine recorded the request, or refused it. Accepted is "requested", never "done" (engine contract C31). */
export type ControlAnswer = { readonly kind: 'accepted' } | { readonly kind: 'refused'; readonly message: string };

export interface LogsRequest extends RemoteApplyReference {
  readonly database: string;
  readonly type: string;
  readonly target: string;
  /** 1 to 1,000; the engine gives the newest. */
  readonly limit: number;
}

/** What every method of an engine rejects with. */
export class EngineFailure extends Error {
  readonly type: FailureType;
  /** The gRPC status name, or null where no status came back. */
  readonly status: string | null;
  /** What the engine or the transport said, without our words around it and without addresses. For people. */
  readonly reason: string;

  constructor(params: { type: FailureType; message: string; status?: string; reason?: string; cause?: unknown }) {
    super(params.message, { cause: params.cause });
    this.name = 'EngineFailure';
    this.type = params.type;
    this.status = params.status ?? null;
    this.reason = params.reason ?? '';
  }
}
