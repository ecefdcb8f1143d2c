import type { FailureType } from '../domain/failure.js';
import { CALLS, type Call } from './calls.js';
import { ConnectionClosed, RequestTooLarge } from './connection.js';
import { EngineFailure } from './engine.js';
import { failureOfStatus, statusName, type StatusName } from './status.js';
import { cleanText } from './text.js';

/** What a failure is about. */
export interface Subject {
  readonly deployment: string;
  /** The call as the contract names it, such as `Stop`. */
  readonly call: string;
  /** Null where the call names no remote apply; then the message says `none`. */
  readonly remoteApplyId: string | null;
}

/** The failures that come from here; the other rows of the list are made by the workflows. */
export type EngineFailureType = Extract<
  FailureType,
  | 'Unreachable'
  | 'Ambiguous'
  | 'EngineInternal'
  | 'EngineRefused'
  | 'AccessDenied'
  | 'RemoteApplyMissing'
  | 'ContractBroken'
  | 'DialectTooOld'
  | 'PayloadTooLarge'
>;

const MEANING: Readonly<Record<EngineFailureType, { readonly says: string; readonly next: string }>> = {
  Unreachable: {
    says: 'was not sent, because there is no connection to the engine',
    next: 'Check that the engine runs and that the worker configuration names its address',
  },
  Ambiguous: { says: 'got no definite answer', next: 'It may have happened: ask the engine before repeating it' },
  EngineInternal: {
    says: 'ended with an internal error of the engine',
    next: 'It may have happened: ask the engine before repeating it',
  },
  EngineRefused: { says: 'was refused by the engine', next: 'Nothing was changed' },
  AccessDenied: {
    says: 'was denied by the engine',
    next: "Check the certificate and key in the worker's configuration of this deployment",
  },
  RemoteApplyMissing: { says: 'names a remote apply that the engine does not know', next: 'Look at the engine' },
  ContractBroken: {
    says: 'got an answer that breaks the contract',
    next: 'Nothing of the answer is believed; look at the engine',
  },
  DialectTooOld: {
    says: 'was not sent, because the engine speaks the old dialect of tern.v1 or none at all',
    next: 'Upgrade the engine, or correct the address in the worker configuration',
  },
  PayloadTooLarge: { says: 'was not sent, because it is too large', next: 'Split the schema change' },
};

const MAY_HAVE_HAPPENED: ReadonlySet<EngineFailureType> = new Set(['Ambiguous', 'EngineInternal']);

/** Calls after which no engine has changed anything, whatever became of their answer. */
const CHANGES_NOTHING: ReadonlySet<string> = new Set(
  Object.values(CALLS)
    .filter(({ kind }) => kind === 'query' || kind === 'observe')
    .map(({ name }) => name),
);

const READ_AGAIN = 'It only reads, so it is safe to repeat';

/**
 * The one place where a failure of an engine is put into words: subject, what happened, why, what to do next. It has no
 * `cause`: causes travel into histories, and the error of the transport names the engine's address.
 */
export function engineFailure(params: {
  readonly type: EngineFailureType;
  readonly subject: Subject;
  /** Already cleaned of addresses. Empty where nothing more is known. */
  readonly reason: string;
  readonly status?: string;
}): EngineFailure {
  const { deployment, call, remoteApplyId } = params.subject;
  const { says, next } = MEANING[params.type];
  const advice = MAY_HAVE_HAPPENED.has(params.type) && CHANGES_NOTHING.has(call) ? READ_AGAIN : next;
  const detail = [params.status, params.reason || 'no reason given'].filter(Boolean).join(': ');
  const message = `deployment ${deployment}, remote apply ${remoteApplyId ?? 'none'}: ${call} ${says} (${detail}). ${advice}.`;
  return new EngineFailure({
    type: params.type,
    message,
    reason: params.reason,
    ...(params.status === undefined ? {} : { status: params.status }),
  });
}

/** A gRPC status as it came back from a call. */
export interface StatusError {
  readonly status: Exclude<StatusName, 'OK'>;
  /** Cleaned of addresses. */
  readonly text: string;
}

/** The status in an error of grpc-js, or null for an error of another kind. */
export function statusOf(error: unknown, address: string): StatusError | null {
  if (error instanceof ConnectionClosed) return { status: 'UNAVAILABLE', text: error.message };
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') return null;
  const details = 'details' in error && typeof error.details === 'string' ? error.details : error.message;
  return { status: statusName(error.code), text: cleanText(details, address) };
}

/** The failure that an error of a sent call means. An error that is none of the wire's is thrown on as it is. */
export function failureOf(params: {
  readonly error: unknown;
  readonly call: Pick<Call<unknown, unknown>, 'kind'>;
  readonly subject: Subject;
  readonly address: string;
}): EngineFailure {
  const { error, call, subject, address } = params;
  if (error instanceof RequestTooLarge) {
    return engineFailure({ type: 'PayloadTooLarge', subject, reason: error.message });
  }
  if (error instanceof ConnectionClosed) {
    return engineFailure({ type: 'Unreachable', subject, reason: error.message });
  }
  const status = statusOf(error, address);
  if (status === null) throw error;
  return engineFailure({
    type: failureOfStatus(status.status, call.kind),
    subject,
    reason: status.text,
    status: status.status,
  });
}
