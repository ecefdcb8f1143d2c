import { expect, test } from 'vitest';
import { describeBeginnings, QUIET, type Surroundings, untilQuiet } from '../../bench/quiet.js';

/** A server that uses the given share of a core, by the time since the work before; its clock runs when we wait. */
function serverThatUses(share: (atMs: number) => number | null): Surroundings {
  let nowMs = 0;
  let usedMs = 0;
  return {
    nowMs: () => nowMs,
    pause: (ms) => {
      usedMs += (share(nowMs) ?? 0) * ms;
      nowMs += ms;
      return Promise.resolve();
    },
    usedMs: () => (share(nowMs) === null ? null : usedMs),
  };
}

test('a server that is quiet at once may have timers ahead of it, so they have to pass first', async () => {
  const server = serverThatUses(() => 0);
  expect(await untilQuiet(server)).toBe('quiet');
  expect(server.nowMs()).toBe(QUIET.afterMs + QUIET.forMs);
});

test('a server that is still at work is waited for', async () => {
  const server = serverThatUses((atMs) => (atMs < 20_000 ? 0.8 : 0.05));
  expect(await untilQuiet(server)).toBe('quiet');
  expect(server.nowMs()).toBeGreaterThanOrEqual(20_000 + QUIET.forMs);
  expect(server.nowMs()).toBeLessThan(QUIET.deadlineMs);
});

test('a server that never gets quiet is measured in the end, and said to have been busy', async () => {
  const server = serverThatUses(() => 1);
  expect(await untilQuiet(server)).toBe('busy');
  expect(server.nowMs()).toBeGreaterThan(QUIET.deadlineMs);
});

test('where nobody tells what the server uses, the time alone is waited for', async () => {
  const server = serverThatUses(() => null);
  expect(await untilQuiet(server)).toBe('unknown');
  expect(server.nowMs()).toBe(QUIET.afterMs + QUIET.forMs);
});

test('the report says how the measurements began', () => {
  const good = describeBeginnings(['quiet', 'quiet']);
  expect(good).toBe(
    'Each measurement began when the server had used at most 15 % of a core for 1 s, and not before 12 s had passed ' +
      'since the work before it.',
  );
  expect(describeBeginnings(['busy', 'quiet'])).toBe(`${good} 1 of 2 began although it was not, after 60 s.`);
  expect(describeBeginnings(['unknown'])).toBe(
    'Each measurement began 13 s after the work before it; this system does not tell whether the server was quiet by then.',
  );
});
