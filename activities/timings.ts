/**
 * How long activities insist and how long they wait before they believe. A person never sets these; the tests of what
 * comes after ten minutes do not wait for ten minutes.
 */
export interface Timings {
  /** How often the details of an activity leave, as long as there are few of them. */
  readonly beatMs: number;
  /** How long a live engine may answer Apply with errors before the dispatch is given up as unconfirmed (design 4.2, C47). */
  readonly internalErrorsMsMax: number;
  /** An unresolved stop or cancel is sent again after this long (engine contract 5.5, C33). */
  readonly sendAgainMs: number;
  /** A cancel that is accepted and leaves the remote apply stopped this long is as final as that engine gets. */
  readonly cancelSettlesMs: number;
  /** Stale `stopped` samples after a Start are not believed for this long (C29). */
  readonly startGraceMs: number;
  /** Between two reads of an engine that says it does not know a remote apply: it may lag behind its own writes. */
  readonly missingAgainMs: number;
  /** A completion that does not verify is read once more after this long (design 4.5). */
  readonly verifyAgainMs: number;
}

export const TIMINGS: Timings = {
  beatMs: 1_000,
  internalErrorsMsMax: 10 * 60_000,
  sendAgainMs: 30_000,
  cancelSettlesMs: 2 * 60_000,
  startGraceMs: 30_000,
  missingAgainMs: 2_000,
  verifyAgainMs: 5_000,
};
