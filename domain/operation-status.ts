import type { Progress } from './observation.js';
import type { EndReason, OperationState } from './state.js';

/** One deployment's line of a status. */
export interface OperationStatus {
  readonly deployment: string;
  readonly target: string;
  /** Name of its wave; null where the spec has none. */
  readonly wave: string | null;
  readonly state: OperationState;
  readonly started: boolean;
  readonly attempt: number;
  readonly remoteApplyId: string | null;
  readonly reason: EndReason | null;
  readonly message: string;
  readonly confirmed: boolean;
  readonly skipped: boolean;
  readonly resolvedBy: 'lookup' | 'resend' | null;
  /** Nobody can tell whether the change is there: `retry` verifies it again, without a new attempt. */
  readonly unverified: boolean;
  /** Differences on its target that are not part of this change, as the verification found them; the first few. */
  readonly drift: readonly string[];
  readonly phase: string | null;
  /** One line on what its engine is doing or waits for; empty when there is nothing to say. */
  readonly waitingOn: string;
  readonly unreachableSince: string | null;
  readonly progress: Progress | null;
  /** When its engine last answered; shows how old the progress is. */
  readonly progressAt: string | null;
  /** Since when its change is ready, or live with a way back, and waits, ISO 8601; null while it does not wait so. */
  readonly parkedSince: string | null;
  /** When its engine ends that wait by itself, ISO 8601; null where it does not say. */
  readonly parkedUntil: string | null;
  /** A person asked for its cutover, which follows in its turn. */
  readonly cutoverAsked: boolean;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  /** What happens by itself, or what a person can do (I8). */
  readonly next: string;
}
