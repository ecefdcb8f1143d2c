import type { Progress } from './observation.js';
import type { OperationState } from './state.js';

/**
 * What an activity of an operation reports in its heartbeat: how `status` knows what is going on without a message to
 * any workflow, and without a worker. Plain JSON.
 */
export interface LiveDetail {
  readonly state: OperationState;
  readonly phase: string | null;
  /** An Apply may have been sent. */
  readonly started: boolean;
  /** Taken before the first send, ISO 8601; null while nothing was sent. */
  readonly startedAt: string | null;
  readonly remoteApplyId: string | null;
  readonly progress: Progress | null;
  /** One line on what the engine is doing or waits for. */
  readonly detail: string;
  /** Since when the engine has not answered, ISO 8601; null while it answers. */
  readonly unreachableSince: string | null;
  /** The last error, kept while it lasts; reset by one success (C24). */
  readonly lastError: string | null;
  /** When the engine last answered, ISO 8601; null before its first answer. */
  readonly progressAt: string | null;
  /** When this watch first saw it parked at its cutover or in its revert window, ISO 8601; null while it is in neither. */
  readonly parkedSince: string | null;
  /** When the engine itself gives up what is parked, ISO 8601; null where it does not say, and while nothing is parked. */
  readonly parkedUntil: string | null;
}

/** What the activity that delivers a stop or a cancel reports in its heartbeat. */
export interface ControlDetail {
  readonly control: 'stop' | 'cancel';
  /** When it was first sent, ISO 8601. */
  readonly since: string;
  /** How often it was sent. */
  readonly sent: number;
  readonly accepted: boolean;
  /** The engine's refusal, such as "stop is not supported"; null when it did not refuse. */
  readonly refused: string | null;
  readonly lastError: string | null;
}
