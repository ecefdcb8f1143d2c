/**
 * The closed list of what can go wrong, each with what it means for the caller. The key travels as the failure type in
 * Temporal, so a rule never depends on a message text.
 */
export const FAILURES = {
  /** The call never left: no connection. Nothing happened. */
  Unreachable: { retry: 'forever', mayHaveHappened: false },
  /** The call left and no definite answer came back (deadline, lost connection, UNAVAILABLE). It may have happened. */
  Ambiguous: { retry: 'forever', mayHaveHappened: true },
  /** A live engine answered INTERNAL or alike. It may have happened; bounded: ten minutes for a dispatch or a start, two for a cutover or a revert (design 4.2, C47). */
  EngineInternal: { retry: 'bounded', mayHaveHappened: true },
  /** The engine refused, in its answer or by a permanent status. Nothing happened and a repeat would be refused again. */
  EngineRefused: { retry: 'never', mayHaveHappened: false },
  /** The worker is not allowed in (UNAUTHENTICATED, PERMISSION_DENIED). Says nothing about the remote apply. */
  AccessDenied: { retry: 'forever', mayHaveHappened: false },
  /** The engine does not know the remote apply. */
  RemoteApplyMissing: { retry: 'never', mayHaveHappened: false },
  /** An answer that breaks the contract: no id, another id, another operation key. Nothing of it is believed (design 6). */
  ContractBroken: { retry: 'never', mayHaveHappened: true },
  /** The engine speaks the dialect before the renumbering; one wrong call could stop a whole database (engine contract 5.6). */
  DialectTooOld: { retry: 'never', mayHaveHappened: false },
  /** No worker configuration for this deployment on this task queue. */
  UnknownDeployment: { retry: 'forever', mayHaveHappened: false },
  /** Request over the size limit of the wire (engine contract 2.8, C42). */
  PayloadTooLarge: { retry: 'never', mayHaveHappened: false },
  /** The input of a workflow breaks a rule. */
  InvalidSpec: { retry: 'never', mayHaveHappened: false },
  /** Another apply holds a target (I11). */
  TargetHeld: { retry: 'never', mayHaveHappened: false },
  /** An apply ended with at least one failed operation; carries the result. */
  ApplyFailed: { retry: 'never', mayHaveHappened: true },
  /** An operation ended failed; carries the outcome. */
  OperationFailed: { retry: 'never', mayHaveHappened: true },
  /** A control that is not allowed now; nothing changed, and the message says what to do instead (design 6). */
  ControlRefused: { retry: 'never', mayHaveHappened: false },
  /** An activity looks again later. Not an error; hidden from failure metrics. */
  LookAgain: { retry: 'forever', mayHaveHappened: false },
} as const satisfies Record<string, FailureFacts>;

export type FailureType = keyof typeof FAILURES;

export interface FailureFacts {
  readonly retry: 'never' | 'bounded' | 'forever';
  /** Whether the engine may have acted on the call that failed. Never read as "it failed" (design 6). */
  readonly mayHaveHappened: boolean;
}
