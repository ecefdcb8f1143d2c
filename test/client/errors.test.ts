import { ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { Metadata, type ServiceError as GrpcError, status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { SkeinError, explainServerError, isUnanswered } from '../../client/errors.js';

const PLACE = { address: '10.0.0.1:7233', namespace: 'prod' };

function grpc(code: status, details: string): ServiceError {
  const cause: GrpcError = Object.assign(new Error(details), { code, details, metadata: new Metadata() });
  return new ServiceError('call failed', { cause });
}

function explained(error: unknown): SkeinError {
  const result = explainServerError(error, PLACE);
  if (result instanceof SkeinError) return result;
  throw new Error(`not explained: ${String(result)}`);
}

describe('what the Temporal client throws becomes what a person should do', () => {
  test.each([status.UNAVAILABLE, status.DEADLINE_EXCEEDED])(
    'no server (%i): which address, and how to start one',
    (code) => {
      const error = explained(grpc(code, 'connection refused'));
      expect(error.kind).toBe('unavailable');
      expect(error.message).toContain('10.0.0.1:7233');
      expect(error.message).toContain('`skein dev`');
    },
  );

  test('wrong namespace: not the same as no server', () => {
    const error = explained(new NamespaceNotFoundError('prdo'));
    expect(error.kind).toBe('unavailable');
    expect(error.message).toContain('no namespace "prdo"');
    expect(error.message).toContain('TEMPORAL_NAMESPACE');
  });

  test('an unknown apply, by its id', () => {
    const error = explained(new WorkflowNotFoundError('not found', 'orders-1', undefined));
    expect(error.kind).toBe('unknown_apply');
    expect(error.message).toContain('orders-1');
  });

  test.each([status.UNAUTHENTICATED, status.PERMISSION_DENIED])('status %i is a matter of configuration', (code) => {
    expect(explained(grpc(code, 'denied')).kind).toBe('configuration');
  });

  test('a defect passes through unchanged, so that it is not taken for an outage', () => {
    const defect = new TypeError('undefined is not a function');
    expect(explainServerError(defect, PLACE)).toBe(defect);
    const invalid = grpc(status.INVALID_ARGUMENT, 'bad request');
    expect(explainServerError(invalid, PLACE)).toBe(invalid);
  });

  test('an unanswered question is told from a refused one', () => {
    expect(isUnanswered(grpc(status.DEADLINE_EXCEEDED, 'deadline'))).toBe(true);
    expect(isUnanswered(grpc(status.FAILED_PRECONDITION, 'no poller'))).toBe(true);
    expect(isUnanswered(grpc(status.NOT_FOUND, 'no workflow'))).toBe(false);
    expect(isUnanswered(new Error('anything'))).toBe(false);
  });
});
