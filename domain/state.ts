/**
 * The states of an operation and of an apply, each a list, a type and one table of facts. Every other module asks the
 * tables; none keeps a list of its own (design 4 and 5).
 */

/** Every state of an operation, in the order in which a schema change passes through them. */
export const OPERATION_STATES = [
  'pending',
  'dispatching',
  'running',
  'failed_retryable',
  'waiting_for_cutover',
  'cutting_over',
  'revert_window',
  'reverting',
  'completed',
  'failed',
  'stopped',
  'cancelled',
  'reverted',
] as const;

export type OperationState = (typeof OPERATION_STATES)[number];

export interface OperationStateFacts {
  /** No work is going on and none will, in this run of the apply. `stopped` has ended, yet can be resumed. */
  readonly ended: boolean;
  /** Counts against `maxConcurrency` (I9). Parked, cutting over and revert windows do not. */
  readonly holdsSlot: boolean;
  /**
   * How far along a live operation is. An observation with a lower rank than the one on record is stale and ignored
   * (engine contract 5.5). Ended states share the highest rank.
   */
  readonly rank: number;
  /** What a person reads. */
  readonly label: string;
  /** What a person can do, or what happens by itself (I8). */
  readonly next: string;
}

/** One row per operation state. Printed into docs/states.md. */
export const OPERATION_STATE = {
  pending: {
    ended: false,
    holdsSlot: false,
    rank: 0,
    label: 'pending',
    next: 'starts when the rollout order and width allow',
  },
  dispatching: { ended: false, holdsSlot: true, rank: 1, label: 'dispatching', next: 'the engine accepts the apply' },
  running: { ended: false, holdsSlot: true, rank: 2, label: 'running', next: 'the engine finishes; `stop` halts it' },
  failed_retryable: {
    ended: false,
    holdsSlot: true,
    rank: 2,
    label: 'retrying',
    next: 'the engine retries by itself; `stop` halts it',
  },
  waiting_for_cutover: {
    ended: false,
    holdsSlot: false,
    rank: 3,
    label: 'parked',
    next: 'cuts over when its turn comes or `cutover` says so; `stop` or `cancel` ends it',
  },
  cutting_over: {
    ended: false,
    holdsSlot: false,
    rank: 4,
    label: 'cutting over',
    next: 'the engine finishes the swap',
  },
  revert_window: {
    ended: false,
    holdsSlot: false,
    rank: 5,
    label: 'revert window',
    next: 'the window closes by itself; `revert` undoes the change, `skip-revert` keeps it at once',
  },
  reverting: { ended: false, holdsSlot: false, rank: 6, label: 'reverting', next: 'the engine finishes the revert' },
  completed: { ended: true, holdsSlot: false, rank: 9, label: 'completed', next: 'nothing' },
  failed: { ended: true, holdsSlot: false, rank: 9, label: 'failed', next: '`retry` after the cause is gone' },
  stopped: {
    ended: true,
    holdsSlot: false,
    rank: 9,
    label: 'stopped',
    next: '`start` goes on with it, `cancel` ends it for good',
  },
  cancelled: {
    ended: true,
    holdsSlot: false,
    rank: 9,
    label: 'cancelled',
    next: 'nothing; `retry` makes a new attempt',
  },
  reverted: { ended: true, holdsSlot: false, rank: 9, label: 'reverted', next: 'nothing; `retry` makes a new attempt' },
} as const satisfies Record<OperationState, OperationStateFacts>;

/** An operation state in which nothing more happens in this run. */
export type EndedState = {
  [State in OperationState]: (typeof OPERATION_STATE)[State]['ended'] extends true ? State : never;
}[OperationState];

export function hasEnded(state: OperationState): state is EndedState {
  return OPERATION_STATE[state].ended;
}

/** Why an operation ended `stopped` or `cancelled`, or completed without work. Null for every other end. */
export const END_REASONS = ['operator', 'skip', 'policy', 'deadline', 'engine', 'nothing_to_do'] as const;

export type EndReason = (typeof END_REASONS)[number];

/** Every state an apply can be in. All are derived from its operations, its policy and its controls (I5). */
export const APPLY_STATES = [
  'pending',
  'running',
  'running_degraded',
  'failed_retryable',
  'paused',
  'waiting_for_cutover',
  'cutting_over',
  'revert_window',
  'reverting',
  'stopping',
  'cancelling',
  'completed',
  'failed',
  'stopped',
  'cancelled',
  'reverted',
] as const;

export type ApplyState = (typeof APPLY_STATES)[number];

export interface ApplyStateFacts {
  readonly ended: boolean;
  /** Exit code of a command that follows an apply to this state (design 8); 0 for one that is still going on. */
  readonly exitCode: number;
  readonly label: string;
  readonly meaning: string;
}

/** One row per apply state. Printed into docs/states.md. */
export const APPLY_STATE = {
  pending: { ended: false, exitCode: 0, label: 'pending', meaning: 'nothing has been sent to any engine' },
  running: {
    ended: false,
    exitCode: 0,
    label: 'running',
    meaning: 'at least one operation was started and none failed',
  },
  running_degraded: {
    ended: false,
    exitCode: 0,
    label: 'running, degraded',
    meaning: 'there is a setback, and operations are still going on',
  },
  failed_retryable: {
    ended: false,
    exitCode: 0,
    label: 'retrying',
    meaning: 'everything that is going on waits for an engine that retries by itself',
  },
  paused: {
    ended: false,
    exitCode: 0,
    label: 'paused',
    meaning: 'a setback closed the policy and what is left is held; `release` or `stop`',
  },
  waiting_for_cutover: {
    ended: false,
    exitCode: 0,
    label: 'waiting for cutover',
    meaning: 'every copy that is going on is finished and waits for a person to permit the cutover',
  },
  cutting_over: { ended: false, exitCode: 0, label: 'cutting over', meaning: 'only cutovers are going on' },
  revert_window: {
    ended: false,
    exitCode: 0,
    label: 'revert window',
    meaning: 'every change is live and can still be undone by its engine',
  },
  reverting: { ended: false, exitCode: 0, label: 'reverting', meaning: 'only reverts are going on' },
  stopping: {
    ended: false,
    exitCode: 0,
    label: 'stopping',
    meaning: 'a stop is in force and at least one engine has not confirmed it',
  },
  cancelling: {
    ended: false,
    exitCode: 0,
    label: 'cancelling',
    meaning: 'a cancel is in force and at least one engine has not confirmed it',
  },
  completed: { ended: true, exitCode: 0, label: 'completed', meaning: 'every operation completed or was skipped' },
  failed: { ended: true, exitCode: 1, label: 'failed', meaning: 'every operation ended and at least one failed' },
  stopped: {
    ended: true,
    exitCode: 3,
    label: 'stopped',
    meaning: 'every operation ended, none failed, and at least one can be resumed with `start`',
  },
  cancelled: {
    ended: true,
    exitCode: 3,
    label: 'cancelled',
    meaning: 'every operation ended and the apply was cancelled',
  },
  reverted: {
    ended: true,
    exitCode: 3,
    label: 'reverted',
    meaning: 'every operation ended and at least one was reverted',
  },
} as const satisfies Record<ApplyState, ApplyStateFacts>;
