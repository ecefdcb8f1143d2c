import type { Progress } from './observation.js';
import type { EndedState, EndReason, OperationState } from './state.js';

/** How an operation ended: the result of its workflow, and its line in the result of the apply. Plain JSON. */
export interface OperationOutcome {
  readonly deployment: string;
  readonly target: string;
  readonly state: EndedState;
  /** Why it ended `stopped` or `cancelled`, or `nothing_to_do`; null otherwise. */
  readonly reason: EndReason | null;
  /** An Apply may have been sent, in this run or an earlier one. */
  readonly started: boolean;
  /** False where the engine never said how it ended: given up by a person, or a cancel it accepted and did not carry out. */
  readonly confirmed: boolean;
  /** Left out by a person: no setback, and it stays ended in later runs. */
  readonly skipped: boolean;
  /** Counted from 0. */
  readonly attempt: number;
  readonly remoteApplyId: string | null;
  readonly remoteOperationId: string | null;
  /** Whether the engine's acceptance of this attempt is on record; `unconfirmed` means it may have been accepted unheard (design 4.2). */
  readonly dispatch: 'none' | 'confirmed' | 'unconfirmed';
  /** How a dispatch whose answer was lost was settled; null where it never had to be. */
  readonly resolvedBy: 'lookup' | 'resend' | null;
  /** What went wrong, or what a person should know. Empty when there is nothing to say. */
  readonly message: string;
  /** Differences on the target beside this plan, found by the verification; shown, never decided on. */
  readonly drift: readonly string[];
  /** The verification found the change in place although the engine reported a failure (design 4.5). */
  readonly changeInPlace: boolean;
  /** Nobody can tell whether the change is there: `retry` verifies again before it sends anything. Absent: no. */
  readonly unverified?: boolean;
  /** What its dispatch read before it sent, for a verification in a later run; absent where there is nothing to carry. */
  readonly baseline?: readonly string[];
  readonly progress: Progress | null;
  /** ISO 8601; taken before the first send; null when it never started. */
  readonly startedAt: string | null;
  /** ISO 8601; null only in `stopped`. */
  readonly completedAt: string | null;
}

/** What the rules need to know of an operation, from whichever source: the parent, its child, or a closed run. */
export interface OperationFacts {
  readonly deployment: string;
  /** Its wave, as the place in the policy's list. */
  readonly wave: number;
  readonly state: OperationState;
  /** Allowed to go by the parent. True for everything beyond `pending`. */
  readonly admitted: boolean;
  /** A permission to cut over is on its way or was given. */
  readonly permitted: boolean;
  /** The engine refused the permitted cutover, and the permission was withdrawn. */
  readonly cutoverRefused: boolean;
  /** A person asked for its cutover and it has not been permitted yet. */
  readonly cutoverAsked: boolean;
  /** A person asked to end this one operation for good. */
  readonly cancelAsked: boolean;
  readonly started: boolean;
  /** False while the engine does not answer (`unreachableSince` is set). */
  readonly reachable: boolean;
  readonly reason: EndReason | null;
  readonly skipped: boolean;
}

/**
 * A setback closes the policy: an operation that failed and was not skipped, was reverted, or was stopped or cancelled
 * on its engine by someone else. What an operator, the policy or a deadline ended is none (design 1).
 */
export function isSetback(operation: Pick<OperationFacts, 'state' | 'reason' | 'skipped'>): boolean {
  if (operation.skipped) return false;
  if (operation.state === 'failed' || operation.state === 'reverted') return true;
  return (operation.state === 'stopped' || operation.state === 'cancelled') && operation.reason === 'engine';
}
