/** One situation of a rollout that somebody has met, and what happens in it here. Printed into docs/scenarios.md. */
export interface Scenario {
  /** Its number in the catalogue. */
  readonly number: number;
  readonly scenario: string;
  /** What happens, in one line. */
  readonly answer: string;
  /** Why that is not what the system the catalogue was taken from does; absent where it is. */
  readonly differs?: string;
  /** Where there is no such thing here: what takes its place. */
  readonly replacedBy?: string;
  /** What shows it: `test/file.test.ts > group > test`, each exactly as it stands there. Empty only for what is replaced. */
  readonly tests: readonly string[];
}

/** The scenarios of one subject, as a table of its own. */
export interface Chapter {
  readonly letter: string;
  readonly title: string;
  readonly scenarios: readonly Scenario[];
}

/** One thing that is refused rather than guessed (design 6). */
export interface Refusal {
  readonly what: string;
  /** What becomes of it. */
  readonly refused: string;
  /** Where it is checked. */
  readonly checkedIn: readonly string[];
  readonly tests: readonly string[];
}
