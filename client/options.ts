/** What the methods of `SkeinClient` take beside the apply's id. */

export interface ApplyOptions {
  /** The apply's id, which makes a repeat of this call harmless. Default `<database>-<8 random base32 characters>`. */
  readonly id?: string;
  /** Lets engines run statements they mark unsafe; meant for this plan alone. Default false. */
  readonly allowUnsafe?: boolean;
  /** Lets every deployment run its own plan although they differ; put on record. Default false. */
  readonly allowDrift?: boolean;
}

/** Common to every control. */
export interface ControlOptions {
  /** Refuses the control when the apply is in another environment. Default: not checked. */
  readonly environment?: string;
}

export interface StartOptions extends ControlOptions {
  /** Go on in spite of the setbacks, for the rest of the apply. Default false. */
  readonly release?: boolean;
  /** Deployments to leave out from now on. Default none. */
  readonly skip?: readonly string[];
}

export interface RetryOptions extends StartOptions {
  /** Default: all that failed. */
  readonly deployments?: readonly string[];
}

export interface CancelOptions extends ControlOptions {
  /** Default: the whole apply. */
  readonly deployments?: readonly string[];
}

export interface CutoverOptions extends ControlOptions {
  /** Default: all that are parked, under `ordered` and `barrier` the one whose turn it is while the policy is open. */
  readonly deployments?: readonly string[];
}

export interface GateOptions extends ControlOptions {
  /** The wave. Default: the one whose gate is waited for. */
  readonly wave?: string;
}

/** Names deployments, or all in a revert window. */
export interface WindowOptions extends ControlOptions {
  readonly deployments?: readonly string[];
  /** Default false. */
  readonly all?: boolean;
}

export interface SkipOptions extends ControlOptions {
  /** Default none; then `all` is required. */
  readonly deployments?: readonly string[];
  /** All that can be skipped. Default false. */
  readonly all?: boolean;
  /** For the record. */
  readonly reason: string;
  /** Gives an operation up whose engine does not answer or confirm. Default false. */
  readonly unconfirmed?: boolean;
}
