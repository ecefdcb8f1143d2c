import type { InitialOperation } from '../domain/apply.js';
import type { EndReason } from '../domain/state.js';

/** A stop or cancel that an operation has to carry out. */
export interface Halt {
  readonly by: 'stop' | 'cancel';
  readonly reason: EndReason;
}

/** Input of the operation workflow. Names and digests only: the plan itself stands once, in the apply's own input. */
export interface OperationInput {
  readonly applyId: string;
  readonly applyRunId: string;
  readonly deployment: string;
  readonly target: string;
  /** Prefix of the task queues that reach its engine. */
  readonly queue: string;
  readonly database: string;
  readonly type: string;
  readonly environment: string;
  readonly planId: string;
  readonly planDigest: string;
  readonly allowUnsafe: boolean;
  /** It finishes its copy and waits for a permission to cut over: every policy but `rolling` (design 5). */
  readonly deferCutover: boolean;
  readonly caller: string;
  readonly verify: boolean;
  readonly pollIntervalMs: number | null;
  readonly initial: InitialOperation;
  /** It may go at once, without waiting for the signal. */
  readonly admitted: boolean;
  /** It is to be halted from the start; null for every operation that is to go. */
  readonly halt: Halt | null;
}
