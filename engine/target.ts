import type { Engine } from '../proto/gen/tern.js';
import type { ApplyState } from './apply-state.js';
import type { PlannedChange, ReviewedChange } from './change.js';

/** The kind of database that an engine drives. */
export interface DatabaseKind {
  /** As messages name it. */
  readonly name: string;
  /** Words for it that a request may carry as its type. */
  readonly types: ReadonlySet<string>;
  readonly onWire: Engine;
}

/**
 * One database that the engine serves. What a call needs of it is here, and nothing else: `calls/` hold the rules of the
 * contract and name no database; whoever implements this drives one.
 *
 * `prepare` comes before every other method but `answers`; `calls/routing.ts` sees to it. All reject with `CallFailure`
 * UNAVAILABLE when the database does not answer, and `prepare` with `ConfigurationError` when the target can never work so.
 */
export interface Target {
  readonly name: string;

  /** Checks the connection and brings the storage up to date; does nothing once that has succeeded. */
  prepare(): Promise<void>;
  /** Begins to carry out what is recorded, as soon as the target can be prepared. */
  begin(): void;
  /** Whether the storage answers right now. Never rejects. */
  answers(): Promise<boolean>;
  /** Leaves the work as it is recorded. */
  close(): Promise<void>;

  /**
   * The difference between a desired schema and the live one (engine contract 2.2). Changes nothing. CANCELLED when `signal`
   * says that nobody waits for it any more.
   */
  plan(input: PlanInput, signal?: AbortSignal): Promise<Planned | SchemaProblems>;
  /**
   * The same for a plan that was stored: what would have to change now. Null where its desired schema is not kept any more, or
   * was read by an engine of another version.
   */
  planAgain(stored: StoredPlan, signal?: AbortSignal): Promise<Planned | null>;
  findPlan(planId: string): Promise<StoredPlan | null>;
  /** What is there beside the schema and no plan manages, one line per kind; for showing. */
  unmanaged(namespaces: readonly string[]): Promise<readonly string[]>;

  findApply(applyId: string): Promise<StoredApply | null>;
  findApplyByKey(idempotencyKey: string): Promise<StoredApply | null>;
  /** The owner of an operation id, to tell a foreign one from one that does not exist (engine contract E39). */
  findApplyByOperation(operationId: string): Promise<StoredApply | null>;
  /** The apply that holds the target, if any, with the first change of it. */
  findHolder(): Promise<Holder | null>;
  /** Statements that earlier applies of this desired schema carried out here, as they were reviewed. */
  doneStatements(schemaDigest: string): Promise<ReadonlySet<string>>;

  /** One Apply at a time decides, so that repeats of a key find what the first of them wrote. */
  oneAtATime<T>(work: () => Promise<T>): Promise<T>;
  /** Runs the rule of a control under the lock of its apply. Rejects with `TargetTaken` when another apply was faster. */
  control<T>(applyId: string, rule: (session: ApplySession) => Promise<T>): Promise<T | null>;
  /** What is recorded and, for what runs, what the database's own statistics say. Reads only; null for an unknown id. */
  progress(applyId: string): Promise<ApplyProgress | null>;
  /** The newest lines, oldest first. `limit` of 0 or less means 50; more than 1,000 means 1,000 (engine contract 2.7). */
  logs(applyId: string, limit: number): Promise<readonly StoredLog[]>;
}

/** Desired schema as the wire carries it: files by name, by namespace (a schema such as `public`). */
export type SchemaFiles = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface PlanInput {
  readonly schemaFiles: SchemaFiles;
  /** `table`, or `namespace.table` (engine contract E14). */
  readonly ignoreTables: readonly string[];
}

/** Why there is no plan: the problems in the files, each with its place. */
export interface SchemaProblems {
  readonly kind: 'problems';
  readonly problems: readonly string[];
}

/** What would have to change. Only what a target planned itself can be stored and accepted there. */
export interface Planned {
  readonly kind: 'planned';
  readonly schemaDigest: string;
  readonly changes: readonly PlannedChange[];
  /** By `namespace.table`; for showing only. */
  readonly sizes: ReadonlyMap<string, TableSize>;
  /** Tables that ignore_tables kept out of the comparison, by namespace (engine contract E14). */
  readonly exempt: ReadonlyMap<string, readonly string[]>;
  /** Indexes whose build was cut short and that this plan builds anew. */
  readonly unfinished: readonly UnfinishedIndex[];
  /** Keeps it under an id for the Apply that follows. */
  store(plan: Omit<StoredPlan, 'schemaDigest' | 'changes'>): Promise<void>;
  /** Accepts it for execution, durably. `done` are reviewed changes that are in place already. */
  accept(apply: NewApply, done: readonly ReviewedChange[]): Promise<Acceptance>;
}

/** `key_taken`, `held`: another process was faster, and its row is the truth. */
export type Acceptance =
  | { readonly kind: 'accepted'; readonly operationId: string }
  | { readonly kind: 'key_taken' }
  | { readonly kind: 'held' };

export interface TableSize {
  /** From the database's statistics; null when there are none. */
  readonly rows: number | null;
  readonly bytes: number;
}

export interface UnfinishedIndex {
  readonly namespace: string;
  readonly table: string;
  readonly definition: string;
}

/** A plan as it was reviewed: what it would run, and the digest of the desired schema that it comes from. */
export interface StoredPlan {
  readonly planId: string;
  readonly database: string;
  readonly type: string;
  readonly environment: string;
  readonly target: string;
  readonly schemaDigest: string;
  readonly namespaces: readonly string[];
  readonly ignoreTables: readonly string[];
  readonly changes: readonly PlannedChange[];
}

/** One accepted Apply. */
export interface StoredApply {
  readonly applyId: string;
  readonly operationId: string;
  /** Null when the caller sent none; then nothing is de-duplicated. */
  readonly idempotencyKey: string | null;
  /** Digest of what the key was used for; a repeat with another one is refused (engine contract E25). */
  readonly fingerprint: string;
  readonly planId: string;
  readonly schemaDigest: string;
  readonly database: string;
  readonly type: string;
  readonly environment: string;
  readonly target: string;
  readonly caller: string;
  /** What clients can see waits for a cutover. */
  readonly deferCutover: boolean;
  readonly state: ApplyState;
  /** Why it failed, or what it waits for while `failed_retryable`. */
  readonly errorMessage: string;
  /** The apply that took the target over while this one was stopped. Then it cannot be started any more. */
  readonly supersededBy: string | null;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
}

export type NewApply = Pick<
  StoredApply,
  | 'applyId'
  | 'idempotencyKey'
  | 'fingerprint'
  | 'planId'
  | 'schemaDigest'
  | 'database'
  | 'type'
  | 'environment'
  | 'target'
  | 'caller'
  | 'deferCutover'
>;

export interface Holder {
  readonly apply: StoredApply;
  /** `namespace.table` of its first change; empty when it has none. */
  readonly table: string;
}

export type ControlOperation = 'stop' | 'start' | 'cancel' | 'cutover';

/**
 * What somebody asked of an apply. One row per kind: it is pending until the executor has dealt with it, and then stays
 * as settled until the same kind is asked for again (engine contract 2.6, E46).
 */
export interface ControlRequest {
  readonly operation: ControlOperation;
  readonly status: 'pending' | 'completed' | 'failed';
  readonly requestedBy: string;
  readonly settledAt: Date | null;
  /** Why it failed; with `completed`, what else there is to say. */
  readonly errorMessage: string;
}

/** One apply under its lock. What is written through it takes effect all at once, or not at all. */
export interface ApplySession {
  readonly apply: StoredApply;
  controls(): Promise<readonly ControlRequest[]>;
  /** The apply that holds the target, if any. There is at most one. */
  findLiveApply(): Promise<StoredApply | null>;
  /** Whether a cancel leaves nothing half-done as things are. */
  hasNothingToTakeBack(): Promise<boolean>;
  /** Records a request durably. A pending one of the same kind stays as it is: asking twice has one effect (E41). */
  request(operation: ControlOperation, caller: string): Promise<void>;
  /** Settles a pending request of one kind; nothing happens when there is none. */
  settle(operation: ControlOperation, status: 'completed' | 'failed', message?: string): Promise<void>;
  setState(state: ApplyState): Promise<void>;
  log(entry: LogEntry): Promise<void>;
}

export interface ApplyProgress {
  readonly apply: StoredApply;
  readonly controls: readonly ControlRequest[];
  readonly changes: readonly ChangeProgress[];
  /** What is being done right now, in one line for people; empty while it simply works or rests. */
  readonly detail: string;
  /** More about this moment, for showing: phase, attempts, who blocks it. */
  readonly facts: Readonly<Record<string, string>>;
}

/** How far one change is. */
export interface ChangeProgress extends ReviewedChange {
  readonly position: number;
  readonly status: ApplyState;
  readonly rowsDone: number;
  /** 0 for what goes through no rows. */
  readonly rowsTotal: number;
  readonly percent: number;
  readonly etaSeconds: number | null;
  readonly instant: boolean;
  readonly detail: string;
  readonly errorMessage: string;
}

export type LogLevel = 'info' | 'warn' | 'error';

/** One line of what happened to an apply. Written in the transaction that makes it true, wherever there is one. */
export interface LogEntry {
  readonly level: LogLevel;
  /** Such as `state_transition`, `step_started`, `lock_wait`, `control_request`. */
  readonly event: string;
  readonly message: string;
  /** Position of the change it is about, or null for the whole apply. */
  readonly changePosition?: number | null;
  readonly oldState?: string;
  readonly newState?: string;
  readonly metadata?: Readonly<Record<string, string | number>>;
}

export interface StoredLog extends Required<Omit<LogEntry, 'metadata'>> {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
}
