import { status as GrpcStatus } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { FAILURES } from '../../domain/failure.js';
import { type CallKind, FAILURE_OF_STATUS, failureOfStatus, statusName } from '../../tern/status.js';

const KINDS: readonly CallKind[] = ['query', 'observe', 'apply', 'control'];
const NAMES = Object.keys(GrpcStatus).filter((name) => Number.isNaN(Number(name)) && name !== 'OK');

/** Engine contract 3, as design section 4 changes it, restated: status to failure for [query, observe, apply, control]. */
const EXPECTED: Readonly<Record<string, string>> = {
  CANCELLED: 'Ambiguous Ambiguous Ambiguous Ambiguous',
  UNKNOWN: 'EngineInternal EngineInternal EngineInternal EngineInternal',
  INVALID_ARGUMENT: 'EngineRefused EngineRefused EngineRefused EngineRefused',
  DEADLINE_EXCEEDED: 'Ambiguous Ambiguous Ambiguous Ambiguous',
  NOT_FOUND: 'EngineRefused RemoteApplyMissing EngineRefused RemoteApplyMissing',
  ALREADY_EXISTS: 'EngineRefused EngineRefused EngineRefused EngineRefused',
  PERMISSION_DENIED: 'AccessDenied AccessDenied AccessDenied AccessDenied',
  RESOURCE_EXHAUSTED: 'EngineInternal EngineInternal EngineInternal EngineInternal',
  FAILED_PRECONDITION: 'EngineRefused EngineRefused EngineRefused EngineRefused',
  ABORTED: 'EngineInternal EngineInternal EngineInternal EngineInternal',
  OUT_OF_RANGE: 'EngineRefused EngineRefused EngineRefused EngineRefused',
  UNIMPLEMENTED: 'EngineRefused EngineRefused EngineRefused EngineRefused',
  INTERNAL: 'EngineInternal EngineInternal EngineInternal EngineInternal',
  UNAVAILABLE: 'Ambiguous Ambiguous Ambiguous Ambiguous',
  DATA_LOSS: 'EngineRefused EngineRefused EngineInternal EngineInternal',
  UNAUTHENTICATED: 'AccessDenied AccessDenied AccessDenied AccessDenied',
};

test('every gRPC status of every kind of call is the failure that the contract asks for', () => {
  expect(NAMES).toHaveLength(16);
  expect(Object.keys(FAILURE_OF_STATUS).toSorted()).toEqual(NAMES.toSorted());
  for (const name of NAMES) {
    const code = GrpcStatus[name as keyof typeof GrpcStatus];
    expect(statusName(code)).toBe(name);
    const failures = KINDS.map((kind) => failureOfStatus(statusName(code), kind));
    expect(failures.join(' '), name).toBe(EXPECTED[name]);
  }
});

test('no status of a call that was sent says that it was not sent', () => {
  const failures = Object.values(FAILURE_OF_STATUS).flatMap((row) => Object.values(row));
  expect(failures).not.toContain('Unreachable');
});

test('a status that may come after the engine committed is never a definite failure of a call that changes state (C04)', () => {
  for (const name of ['CANCELLED', 'DEADLINE_EXCEEDED', 'UNAVAILABLE', 'INTERNAL', 'UNKNOWN', 'DATA_LOSS'] as const) {
    for (const kind of ['apply', 'control'] as const) {
      expect(FAILURES[failureOfStatus(name, kind)].mayHaveHappened, `${name} ${kind}`).toBe(true);
    }
  }
});

test('INTERNAL is repeated within a bound, never forever (C47)', () => {
  for (const kind of KINDS) expect(FAILURES[failureOfStatus('INTERNAL', kind)].retry).toBe('bounded');
});

test('a status number outside the list reads as UNKNOWN', () => {
  expect(statusName(99)).toBe('UNKNOWN');
  expect(statusName(0)).toBe('UNKNOWN');
});
