import type { State } from '../../proto/gen/tern.js';

/** One stretch of an apply's life. It ends when all that is given here has happened; nothing given: at once. */
export interface Step {
  /** A name, or a number for a state that is not in the contract. */
  readonly state: keyof typeof State | number;
  /** Ends after this time. */
  readonly durationMs?: number;
  /** Ends after this many Progress answers have shown it. */
  readonly polls?: number;
  /** Ends when `proceed`, `complete` or `fail` is called. */
  readonly holds?: boolean;
  readonly rows?: { readonly copied: number; readonly total: number };
  /** What it is doing or waiting for, per table. */
  readonly detail?: string;
}

/** How the applies of a target behave. What is not said is the well-behaved engine. */
export interface Script {
  /** What happens before the end. Default: nothing, it ends as soon as Apply was answered. */
  readonly steps: readonly Step[];
  readonly end: 'completed' | 'failed' | 'cancelled' | 'reverted';
  /** The reason of an end `failed`. Empty: the engine gives none on any level (engine contract 7.17). */
  readonly message: string;
  /**
   * Whether the change is really there at the end. `as_reported` is the truth; `never` with `completed` is a false
   * completion, `always` with `failed` a false failure (engine contract 7.10 and 7.13).
   */
  readonly effect: 'as_reported' | 'never' | 'always';
  /** `when_asked`: parks if Apply said `defer_cutover`. */
  readonly parks: 'when_asked' | 'always' | 'never';
  /**
   * `never_lands`: accepted, and the apply runs on. `refused`: this engine cannot stop (E47). `on_release`: accepted, and
   * lands when `landStop` is called.
   */
  readonly stop: 'lands' | 'never_lands' | 'refused' | 'on_release';
  /** `never_lands` on a stopped apply is what a limited engine does (engine contract 7.8). */
  readonly cancel: 'lands' | 'never_lands' | 'refused';
  /** `fails`: accepted, then settled as failed, and it stays parked. */
  readonly cutover: 'lands' | 'never_lands' | 'refused' | 'fails';
  /** How long it stays parked before it ends as `expiresAs` by itself; Progress says so in `parked_until`. Infinity: for ever, and nothing said. */
  readonly parkedMs: number;
  readonly expiresAs: 'cancelled' | 'failed';
  /** Whether a completion is followed by a window in which it can be undone. */
  readonly revertWindow: 'none' | 'opens';
  /** How long the window stays open; Progress says so in `parked_until`. Infinity: until it is decided, and nothing said. */
  readonly revertWindowMs: number;
  /** `on_release`: accepted, and stays REVERTING until `landRevert` is called. `fails`: settled as failed, the window stays open. */
  readonly revert: 'lands' | 'never_lands' | 'refused' | 'fails' | 'on_release';
  readonly skipRevert: 'lands' | 'never_lands' | 'refused' | 'fails';
  readonly start: 'lands' | 'refused';
  /** What somebody else does to the target meanwhile: the statement that every diff holds from then on. */
  readonly byHand: readonly { readonly when: 'copying' | 'ended'; readonly ddl: string }[];
  /** How many Progress answers still say STOPPED after a Start was accepted (C29). */
  readonly staleStoppedPolls: number;
}

export const WELL_BEHAVED: Script = {
  steps: [],
  end: 'completed',
  message: 'the scripted change failed',
  effect: 'as_reported',
  parks: 'when_asked',
  stop: 'lands',
  cancel: 'lands',
  cutover: 'lands',
  parkedMs: Number.POSITIVE_INFINITY,
  expiresAs: 'cancelled',
  revertWindow: 'none',
  revertWindowMs: Number.POSITIVE_INFINITY,
  revert: 'lands',
  skipRevert: 'lands',
  start: 'lands',
  byHand: [],
  staleStoppedPolls: 0,
};
