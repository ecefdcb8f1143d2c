/** One line of an engine's log of a remote apply. */
export interface EngineLog {
  readonly id: string;
  readonly level: string;
  readonly eventType: string;
  readonly message: string;
  readonly oldState: string;
  readonly newState: string;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** Input of the logs workflow. */
export interface LogsInput {
  readonly database: string;
  readonly type: string;
  readonly environment: string;
  /** Lines per deployment, the newest; 1 to 1,000. */
  readonly limit: number;
  readonly operations: readonly {
    readonly deployment: string;
    readonly target: string;
    readonly queue: string;
    readonly remoteApplyId: string;
  }[];
}

/** What one deployment's engine answered; exactly one of `logs` and `error` is null. */
export interface DeploymentLogs {
  readonly deployment: string;
  readonly logs: readonly EngineLog[] | null;
  readonly error: string | null;
}

export interface LogsResult {
  readonly answers: readonly DeploymentLogs[];
}
