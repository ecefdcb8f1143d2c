import { expect, test } from 'vitest';
import { SkeinError } from '../../client/errors.js';
import { type WatchOptions, isOver, watchApply } from '../../client/watch.js';
import type { ApplyStatus } from '../../domain/status.js';
import { applyStatus, operationStatus } from './builders.js';

const RUNNING = applyStatus({ operations: [operationStatus('eu', 'running')] });
const HALF = applyStatus({ operations: [operationStatus('eu', 'running', { phase: 'half' })] });
const COMPLETED = applyStatus({ state: 'completed', operations: [operationStatus('eu', 'completed')] });
const AWAY = new SkeinError('unavailable', 'no server');

/** Looks that give these one after the other, and the last one for ever; an error is thrown. */
function looks(...script: readonly (ApplyStatus | Error)[]): { look: () => Promise<ApplyStatus>; count: () => number } {
  let count = 0;
  return {
    count: () => count,
    look: async () => {
      const next = script[Math.min(count, script.length - 1)];
      count += 1;
      if (next instanceof Error || next === undefined) throw next ?? new Error('nothing to look at');
      return next;
    },
  };
}

async function collect(look: () => Promise<ApplyStatus>, options: WatchOptions = {}): Promise<readonly ApplyStatus[]> {
  const seen: ApplyStatus[] = [];
  for await (const status of watchApply(look, { intervalMs: 1, ...options })) seen.push(status);
  return seen;
}

test('every change is shown once, and the end is the last one', async () => {
  const { look, count } = looks(RUNNING, RUNNING, HALF, HALF, HALF, COMPLETED);
  expect(await collect(look)).toEqual([RUNNING, HALF, COMPLETED]);
  expect(count()).toBe(6);
});

test('an apply that had ended is shown and that is all', async () => {
  expect(await collect(looks(COMPLETED).look)).toEqual([COMPLETED]);
});

test('an interrupted apply is over; one that only looks ended without a worker is not', () => {
  expect(isOver(applyStatus({ interrupted: 'terminated' }))).toBe(true);
  expect(isOver({ ...COMPLETED, detail: 'coarse' })).toBe(false);
  expect(isOver(COMPLETED)).toBe(true);
  expect(isOver(RUNNING)).toBe(false);
});

test('a server that is away for a while is waited for', async () => {
  expect(await collect(looks(RUNNING, AWAY, AWAY, COMPLETED).look)).toEqual([RUNNING, COMPLETED]);
});

test('a server that stays away ends the watching with the reason', async () => {
  await expect(collect(looks(RUNNING, AWAY).look, { outageMaxMs: 20 })).rejects.toBe(AWAY);
});

test('anything but an outage is told at once', async () => {
  const unknown = new SkeinError('unknown_apply', 'no such apply');
  const { look, count } = looks(RUNNING, unknown);
  await expect(collect(look)).rejects.toBe(unknown);
  expect(count()).toBe(2);
});

test('an abort ends the watching at once and silently', async () => {
  const abort = new AbortController();
  const seen: ApplyStatus[] = [];
  for await (const status of watchApply(looks(RUNNING, HALF).look, { intervalMs: 60_000, signal: abort.signal })) {
    seen.push(status);
    setImmediate(() => abort.abort());
  }
  expect(seen).toEqual([RUNNING]);
});
