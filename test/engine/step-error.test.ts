import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { isConnectionLoss } from '../../engine/postgres/errors.js';
import { kindOfStepError } from '../../engine/postgres/execution/step-error.js';
import { backoffMs, Wake } from '../../engine/postgres/execution/wake.js';

function databaseError(code: string): DatabaseError {
  const error = new DatabaseError('message', 0, 'error');
  error.code = code;
  return error;
}

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:5432`), { code });
}

describe('what an error of a step means', () => {
  it.each([
    ['55P03', 'lock'],
    ['40P01', 'lock'],
    ['57014', 'cancelled'],
    ['57P01', 'connection'],
    ['57P03', 'connection'],
    ['08006', 'connection'],
    ['53100', 'transient'],
    ['40001', 'transient'],
    ['XX000', 'transient'],
    ['23505', 'permanent'],
    ['23514', 'permanent'],
    ['42601', 'permanent'],
    ['42P01', 'permanent'],
    ['42501', 'permanent'],
  ])('SQLSTATE %s is %s', (code, kind) => {
    expect(kindOfStepError(databaseError(code))).toBe(kind);
  });
  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'])('%s is a lost connection', (code) => {
    expect(kindOfStepError(systemError(code))).toBe('connection');
    expect(isConnectionLoss(new AggregateError([systemError(code)]))).toBe(true);
  });
  it('takes the driver’s own words for a lost connection', () => {
    expect(kindOfStepError(new Error('Connection terminated unexpectedly'))).toBe('connection');
  });
  it('takes anything else for a failure that no repeat mends', () => {
    expect(kindOfStepError(new TypeError('not a database error'))).toBe('permanent');
  });
});

describe('waiting', () => {
  it('doubles up to its cap, and varies a little below it', () => {
    const backoff = { initialMs: 100, maxMs: 5_000 };
    expect([1, 2, 3, 7, 50].map((attempt) => backoffMs(backoff, attempt, () => 1))).toEqual([
      100, 200, 400, 5_000, 5_000,
    ]);
    expect(backoffMs(backoff, 2, () => 0)).toBe(160);
  });
  it('ends early when it is notified, and remembers a notice that came before', async () => {
    const wake = new Wake();
    const waited = wake.wait(60_000);
    wake.notify();
    await waited;
    wake.notify();
    await wake.wait(60_000);
    let told = 0;
    const unsubscribe = wake.subscribe(() => {
      told += 1;
    });
    wake.notify();
    unsubscribe();
    wake.notify();
    expect(told).toBe(1);
  });
});
