import { describe, expect, test } from 'vitest';
import type { CommandContext } from '../../../client/cli/cli.js';
import { followApply } from '../../../client/cli/follow.js';
import type { SkeinClient } from '../../../client/skein-client.js';
import { watchApply } from '../../../client/watch.js';
import type { ApplyStatus } from '../../../domain/status.js';
import { applyStatus, operationStatus } from '../builders.js';
import { type RecordedTerminal, recordedTerminal } from './terminal.js';

const RUNNING = applyStatus({ operations: [operationStatus('eu', 'running')] });
const FAILED = applyStatus({
  state: 'failed',
  message: 'eu: duplicates',
  operations: [operationStatus('eu', 'failed', { message: 'duplicates' })],
});
const PAUSED = applyStatus({
  state: 'paused',
  waitingFor: {
    for: 'release',
    since: '2026-01-01T12:00:00.000Z',
    until: null,
    wave: null,
    commands: ['release orders-1'],
  },
  operations: [operationStatus('eu', 'failed')],
});

function contextOf(terminal: RecordedTerminal, statuses: readonly ApplyStatus[], json = false): CommandContext {
  let index = -1;
  const look = async () => {
    index = Math.min(index + 1, statuses.length - 1);
    return statuses[index] ?? RUNNING;
  };
  const client: Pick<SkeinClient, 'watch'> = {
    watch: (_apply, options) => watchApply(look, { intervalMs: 1, ...options }),
  };
  return {
    client: client as SkeinClient, // following only watches
    terminal,
    json,
    print: (text) => terminal.stdout.write(`${text}\n`),
    note: (text) => terminal.stderr.write(`${text}\n`),
    link: () => null,
  };
}

describe('following without a terminal', () => {
  test('prints a line per change and a table at the end, and exits as the apply ended', async () => {
    const terminal = recordedTerminal();
    const exitCode = await followApply(contextOf(terminal, [RUNNING, FAILED]), 'orders-1', {
      wait: false,
      json: 'final',
    });
    expect(exitCode).toBe(1);
    expect(terminal.out()).toMatch(/12:01:05Z {2}eu {2}running\n.*12:01:05Z {2}eu {2}failed {2}duplicates\n/s);
    expect(terminal.out()).toContain('DEPLOYMENT  STATE');
    expect(terminal.out()).not.toContain('\u001b');
  });

  test('leaves with 4 when a human is waited for, unless it is told to wait', async () => {
    const options = { wait: false, json: 'final' } as const;
    expect(await followApply(contextOf(recordedTerminal(), [PAUSED]), 'orders-1', options)).toBe(4);
    const waiting = contextOf(recordedTerminal(), [PAUSED, FAILED]);
    expect(await followApply(waiting, 'orders-1', { ...options, wait: true })).toBe(1);
  });

  test('for scripts it is one object at the end, or one per change', async () => {
    const last = recordedTerminal();
    await followApply(contextOf(last, [RUNNING, FAILED], true), 'orders-1', { wait: false, json: 'final' });
    expect(JSON.parse(last.out())).toEqual(FAILED);
    const each = recordedTerminal();
    await followApply(contextOf(each, [RUNNING, FAILED], true), 'orders-1', { wait: false, json: 'each' });
    expect(
      each
        .out()
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([RUNNING, FAILED]);
  });
});

test('Ctrl-C detaches, says that the rollout goes on and how to follow and stop it, and leaves no handler behind', async () => {
  const before = process.listenerCount('SIGINT');
  const terminal = recordedTerminal();
  const following = followApply(contextOf(terminal, [RUNNING]), 'orders-1', { wait: false, json: 'final' });
  process.emit('SIGINT');
  expect(await following).toBe(0);
  expect(terminal.errors()).toContain('the rollout goes on');
  expect(terminal.errors()).toContain('skein watch orders-1');
  expect(terminal.errors()).toContain('skein stop orders-1');
  expect(process.listenerCount('SIGINT')).toBe(before);
});
