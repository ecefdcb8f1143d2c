import { describe, expect, it } from 'vitest';
import {
  DEFAULT_QUEUE,
  callsQueue,
  idempotencyKey,
  isName,
  operationWorkflowId,
  watchQueue,
  withOperationIds,
} from '../../domain/ids.js';

describe('a name', () => {
  it.each(['a', 'orders-7f3a', 'A.b_c-9', '_', 'x'.repeat(63)])('may be %s', (name) => {
    expect(isName(name)).toBe(true);
  });

  it.each(['', 'x'.repeat(64), 'a b', 'a/b', 'ü', 'a\n', 'a:b', '%', null, 7, undefined, ['a']])(
    'may not be %j',
    (name) => {
      expect(isName(name)).toBe(false);
    },
  );
});

describe('an idempotency key', () => {
  const given = { applyId: 'orders-7f3a', planDigest: '0123456789abcdef', deployment: 'eu', attempt: 0 };

  it('is made of apply, plan, deployment and attempt, and of nothing else (I1)', () => {
    expect(idempotencyKey(given)).toBe('skein/orders-7f3a/0123456789ab/eu/0');
  });

  it('is another for every other attempt, deployment, plan and apply', () => {
    const keys = [
      given,
      { ...given, attempt: 1 },
      { ...given, deployment: 'us' },
      { ...given, planDigest: 'ffff456789abcdef' },
      { ...given, applyId: 'orders-7f3b' },
    ].map(idempotencyKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('cannot be made equal by names, because no name holds a slash', () => {
    expect(isName('a/b')).toBe(false);
  });
});

describe('ids', () => {
  it("make an operation's workflow id its target (I11)", () => {
    expect(
      operationWorkflowId({ environment: 'production', database: 'orders', deployment: 'eu', target: 'orders_eu' }),
    ).toBe('production/orders/eu/orders_eu');
  });

  it('are at most 255 characters, however long the names are', () => {
    const name = 'x'.repeat(63);
    expect(isName(name)).toBe(true);
    expect(operationWorkflowId({ environment: name, database: name, deployment: name, target: name })).toHaveLength(
      255,
    );
  });

  it('keep calls and watches on queues of their own', () => {
    expect(new Set([DEFAULT_QUEUE, callsQueue(DEFAULT_QUEUE), watchQueue(DEFAULT_QUEUE)])).toEqual(
      new Set(['skein', 'skein-calls', 'skein-watch']),
    );
  });

  it('stand behind every message of an operation', () => {
    expect(withOperationIds('lost', { deployment: 'eu', remoteApplyId: null, attempt: 2 })).toBe(
      'lost [deployment eu, remote apply none, attempt 2]',
    );
    expect(withOperationIds('lost', { deployment: 'eu', remoteApplyId: 'r-1', attempt: 0 })).toContain(
      'remote apply r-1',
    );
  });
});
