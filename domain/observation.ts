import type { OperationState } from './state.js';

/** Progress in numbers. 64-bit counts are strings (engine contract 5.7); null where the engine does not say. */
export interface Progress {
  /** 0 to 100, never above. */
  readonly percent: number | null;
  readonly rowsCopied: string | null;
  readonly rowsTotal: string | null;
  readonly etaSeconds: number | null;
}

/**
 * What an engine said about one remote apply.
 *
 * `missing` is the answer "I do not know that apply" (NOT_FOUND, or a known id answered with NO_ACTIVE_CHANGE). It is
 * neither success nor idleness (engine contract C19).
 */
export interface Observation {
  readonly state: OperationState | 'missing';
  /** Finer engine state, shown and never decided on; null when it adds nothing. An unknown wire value is `unknown(<n>)`. */
  readonly phase: string | null;
  /** The engine's text for a failure, or the best there is. Empty when it said nothing. */
  readonly message: string;
  /** One line on what the engine is doing or waiting for, such as a blocker. Empty when it said nothing. */
  readonly detail: string;
  readonly progress: Progress | null;
  /**
   * When the engine itself gives up what is parked at its cutover or in its revert window, ISO 8601; null where it does
   * not say. Its Progress metadata says so under `parked_until`.
   */
  readonly parkedUntil: string | null;
  /** Control requests that the engine says it has settled (engine contract E46). Empty in the limited dialect. */
  readonly settledControls: readonly SettledControl[];
}

export interface SettledControl {
  readonly operation: string;
  readonly status: string;
  readonly message: string;
  readonly settledAt: string;
}
