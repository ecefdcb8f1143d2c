import { status as GrpcStatus } from '@grpc/grpc-js';
import type { FailureType } from '../domain/failure.js';

/**
 * What a call does, as far as its failures are concerned.
 *
 * `query`: asks something that needs no remote apply (Health, Plan, PlanDiff, FindApply). `observe`: reads a remote apply
 * (Progress, Logs). `apply`: the dispatch. `control`: asks a remote apply to stop, start, cancel, cut over, revert or
 * give its revert window up.
 */
export type CallKind = 'query' | 'observe' | 'apply' | 'control';

export type StatusName = keyof typeof GrpcStatus;

/** The failures that a status can mean. `AccessDenied` and up are definite answers. */
export type StatusFailure = Extract<
  FailureType,
  'Ambiguous' | 'EngineInternal' | 'EngineRefused' | 'AccessDenied' | 'RemoteApplyMissing'
>;

type Row = Readonly<Record<CallKind, StatusFailure>>;

/**
 * gRPC status and kind of call to failure (engine contract 3, as design section 4 changes it: the key never rotates by
 * itself, so nothing here distinguishes a retry from a new attempt).
 *
 * The table is for calls that were sent. A call that found no connection never gets here: it is `Unreachable`.
 */
export const FAILURE_OF_STATUS = {
  // No answer came, or one that some machine in between made up.
  CANCELLED: always('Ambiguous'),
  DEADLINE_EXCEEDED: always('Ambiguous'),
  UNAVAILABLE: always('Ambiguous'),
  // A live engine that did not get to a verdict: plenty of permanent problems among them, so repeats are bounded (C47).
  UNKNOWN: always('EngineInternal'),
  INTERNAL: always('EngineInternal'),
  RESOURCE_EXHAUSTED: always('EngineInternal'),
  ABORTED: always('EngineInternal'),
  // Permanent. A loss of data while it acted does not prove that it did not act, so for those it stays open.
  DATA_LOSS: { query: 'EngineRefused', observe: 'EngineRefused', apply: 'EngineInternal', control: 'EngineInternal' },
  INVALID_ARGUMENT: always('EngineRefused'),
  ALREADY_EXISTS: always('EngineRefused'),
  FAILED_PRECONDITION: always('EngineRefused'),
  OUT_OF_RANGE: always('EngineRefused'),
  UNIMPLEMENTED: always('EngineRefused'),
  NOT_FOUND: {
    query: 'EngineRefused',
    observe: 'RemoteApplyMissing',
    apply: 'EngineRefused',
    control: 'RemoteApplyMissing',
  },
  // A certificate that expired says nothing about the schema change.
  PERMISSION_DENIED: always('AccessDenied'),
  UNAUTHENTICATED: always('AccessDenied'),
} as const satisfies Readonly<Record<Exclude<StatusName, 'OK'>, Row>>;

/** A number that is in no list reads as UNKNOWN, as the gRPC specification asks. */
export function statusName(code: number): Exclude<StatusName, 'OK'> {
  const name = GrpcStatus[code];
  return name !== undefined && isFailureStatus(name) ? name : 'UNKNOWN';
}

export function failureOfStatus(status: Exclude<StatusName, 'OK'>, kind: CallKind): StatusFailure {
  return FAILURE_OF_STATUS[status][kind];
}

function isFailureStatus(name: string): name is Exclude<StatusName, 'OK'> {
  return Object.hasOwn(FAILURE_OF_STATUS, name);
}

function always<Failure extends StatusFailure>(failure: Failure): Readonly<Record<CallKind, Failure>> {
  return { query: failure, observe: failure, apply: failure, control: failure };
}
