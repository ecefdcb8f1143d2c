/** Longest wait for one connection attempt: whoever waits longer looks around in between, and shows what it waits for. */
export const READY_TIMEOUT_MS = 5_000;

/**
 * How long activities insist and how long they wait before they believe. A person never sets these; the tests of what
 * comes after ten minutes do not wait for ten minutes.
 */
export interface Timings {
  /** How often the details of an activity leave, as long as there are few of them. */
  readonly beatMs: number;
  /** How long a live engine may answer Apply with errors before the dispatch is given up as unconfirmed (design 4.2, C47). */
  readonly internalErrorsMsMax: number;
  /**
   * How long a live engine may answer a cutover, a revert or a skip-revert with errors before that counts as its refusal
   * (C47). Shorter than a dispatch: a person waits for the answer, nothing ends by it, and it can be asked for again.
   */
  readonly controlErrorsMsMax: number;
  /** Between two tries of an engine that gave no answer, and between two looks at one that has not got there yet. */
  readonly unansweredAgainMs: number;
  /** An unresolved stop or cancel is sent again after this long (engine contract 5.5, C33). */
  readonly sendAgainMs: number;
  /** A cancel that is accepted and leaves the remote apply stopped this long is as final as that engine gets. */
  readonly cancelSettlesMs: number;
  /**
   * A cutover, a revert or a skip-revert that is accepted and leaves everything as it was for this long counts as refused:
   * a person is told and decides, and nothing is sent again by itself.
   */
  readonly requestSettlesMs: number;
  /** Stale `stopped` samples after a Start are not believed for this long (C29). */
  readonly startGraceMs: number;
  /** What is parked, or in its revert window, is looked at again after this long at most: a change made by someone else is noticed within a minute (design 4.4). */
  readonly parkedMsMax: number;
  /** Between two reads of an engine that says it does not know a remote apply: it may lag behind its own writes. */
  readonly missingAgainMs: number;
  /** A completion that does not verify is read once more after this long (design 4.5). */
  readonly verifyAgainMs: number;
}

export const TIMINGS: Timings = {
  beatMs: 1_000,
  internalErrorsMsMax: 10 * 60_000,
  controlErrorsMsMax: 2 * 60_000,
  unansweredAgainMs: 1_000,
  sendAgainMs: 30_000,
  cancelSettlesMs: 2 * 60_000,
  requestSettlesMs: 2 * 60_000,
  startGraceMs: 30_000,
  parkedMsMax: 45_000,
  missingAgainMs: 2_000,
  verifyAgainMs: 5_000,
};
