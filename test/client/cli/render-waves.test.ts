import { Chalk } from 'chalk';
import { describe, expect, test } from 'vitest';
import { renderChanges } from '../../../client/cli/render-changes.js';
import { type RenderOptions, renderStatus } from '../../../client/cli/render-status.js';
import { renderWaveChanges, renderWaves, waveLines } from '../../../client/cli/render-waves.js';
import { resolvePolicy } from '../../../domain/spec.js';
import type { ApplyStatus } from '../../../domain/status.js';
import type { OperationStatus } from '../../../domain/operation-status.js';
import { type WaveRecord, freshWave } from '../../../domain/wave.js';
import { ROLLOUT, applyStatus, operationStatus, spec } from '../builders.js';

const PLAIN = new Chalk({ level: 0 });

const OPTIONS: RenderOptions = {
  style: PLAIN,
  now: new Date('2026-01-01T12:30:00.000Z'),
  columns: 100,
  rowsMax: null,
  program: 'skein',
};

const AT = '2026-01-01T12:10:00.000Z';

/** Waves of the named sizes; deployments are called `<wave>-<number>`. */
function policyOf(sizes: Readonly<Record<string, number>>): ApplyStatus['policy'] {
  const waves = Object.entries(sizes).map(([name, size]) => ({
    name,
    deployments: Array.from({ length: size }, (_, index) => `${name}-${index + 1}`),
    bakeTimeMs: 1_800_000,
    gate: 'manual' as const,
    expiresAfterMs: null,
  }));
  const names = waves.flatMap(({ deployments }) => deployments);
  return resolvePolicy(spec({ rollout: { ...ROLLOUT, maxConcurrency: '10%', waves } }, names));
}

function record(name: string, given: Partial<WaveRecord> = {}): WaveRecord {
  return { ...freshWave(name), ...given };
}

function inWave(
  wave: string,
  number: number,
  state: OperationStatus['state'],
  given: Partial<OperationStatus> = {},
): OperationStatus {
  return operationStatus(`${wave}-${number}`, state, {
    wave,
    completedAt: state === 'completed' ? AT : null,
    ...given,
  });
}

/** A canary that has ended, and a second wave that is told by the test. */
function twoWaves(given: Partial<ApplyStatus>): ApplyStatus {
  return applyStatus({
    policy: policyOf({ canary: 1, rest: 2 }),
    waves: [record('canary', { startedAt: AT, endedAt: AT }), record('rest')],
    operations: [inWave('canary', 1, 'completed'), inWave('rest', 1, 'pending'), inWave('rest', 2, 'pending')],
    ...given,
  });
}

describe('a status with waves', () => {
  test('shows where each wave stands, and until when it bakes', () => {
    const status = twoWaves({
      waitingFor: {
        for: 'bake',
        since: AT,
        until: '2026-01-01T12:40:00.000Z',
        wave: 'rest',
        commands: ['stop orders-1'],
      },
    });
    expect(renderStatus(status, OPTIONS)).toMatchInlineSnapshot(`
      "orders-1  orders, production   running   1 of 3 ended   30m 00s
        waves  canary  1 of 1 ended  done                1 at a time, tolerance 0
               rest    0 of 2 ended  waits for the bake  1 at a time, tolerance 0
        waits for bake before wave rest for 20m 00s, until 2026-01-01 12:40:00 (10m 00s more); what you can do
          skein stop orders-1

      DEPLOYMENT  STATE      PROGRESS  ELAPSED  DETAIL
      canary-1    completed            10m 00s
      rest-1      pending
      rest-2      pending"
    `);
  });

  test('at a gate says how to open and how to close it', () => {
    const status = twoWaves({
      waitingFor: {
        for: 'gate',
        since: AT,
        until: '2026-01-02T00:10:00.000Z',
        wave: 'rest',
        commands: ['approve orders-1 --wave rest', 'reject orders-1 --wave rest'],
      },
    });
    expect(renderStatus(status, OPTIONS)).toMatchInlineSnapshot(`
      "orders-1  orders, production   running   1 of 3 ended   30m 00s
        waves  canary  1 of 1 ended  done               1 at a time, tolerance 0
               rest    0 of 2 ended  waits for approve  1 at a time, tolerance 0
        waits for gate before wave rest for 20m 00s, until 2026-01-02 00:10:00 (11h 40m more); what you can do
          skein approve orders-1 --wave rest
          skein reject orders-1 --wave rest

      DEPLOYMENT  STATE      PROGRESS  ELAPSED  DETAIL
      canary-1    completed            10m 00s
      rest-1      pending
      rest-2      pending"
    `);
  });

  test('shows what is parked since when and until when, and whose cutover was asked for', () => {
    const parked = { parkedSince: AT, parkedUntil: '2026-01-15T12:10:00.000Z' };
    const status = twoWaves({
      state: 'waiting_for_cutover',
      waves: [record('canary', { startedAt: AT, endedAt: AT }), record('rest', { startedAt: AT })],
      operations: [
        inWave('canary', 1, 'completed'),
        inWave('rest', 1, 'waiting_for_cutover', parked),
        inWave('rest', 2, 'waiting_for_cutover', { ...parked, parkedUntil: null, cutoverAsked: true }),
      ],
      waitingFor: {
        for: 'cutover',
        since: AT,
        until: null,
        wave: null,
        commands: ['cutover orders-1', 'stop orders-1', 'cancel orders-1'],
      },
    });
    expect(renderStatus(status, OPTIONS)).toMatchInlineSnapshot(`
      "orders-1  orders, production   waiting for cutover   1 of 3 ended   30m 00s
        waves  canary  1 of 1 ended  done      1 at a time, tolerance 0
               rest    0 of 2 ended  going on  1 at a time, tolerance 0
        waits for cutover for 20m 00s; what you can do
          skein cutover orders-1
          skein stop orders-1
          skein cancel orders-1

      DEPLOYMENT  STATE      PROGRESS  ELAPSED  DETAIL
      canary-1    completed            10m 00s
      rest-1      parked               30m 00s  parked for 20m 00s; until 2026-01-15 12:10:00
      rest-2      parked               30m 00s  parked for 20m 00s; cutover asked for, follows in its turn"
    `);
  });

  test('of 400 deployments fits the window it is drawn in', () => {
    const operations = [
      ...Array.from({ length: 10 }, (_, index) => inWave('canary', index + 1, 'completed')),
      ...Array.from({ length: 39 }, (_, index) => inWave('rest', index + 1, 'running')),
      ...Array.from({ length: 351 }, (_, index) => inWave('rest', index + 40, 'pending')),
    ];
    const status = twoWaves({
      policy: policyOf({ canary: 10, rest: 390 }),
      waves: [record('canary', { startedAt: AT, endedAt: AT }), record('rest', { startedAt: AT })],
      operations,
    });
    const text = renderStatus(status, { ...OPTIONS, rowsMax: 4 });
    expect(text).toMatchInlineSnapshot(`
      "orders-1  orders, production   running   10 of 400 ended   30m 00s
        waves  canary  10 of 10 ended  done      1 at a time, tolerance 0
               rest    0 of 390 ended  going on  39 at a time, tolerance 0

      DEPLOYMENT  STATE    PROGRESS  ELAPSED  DETAIL
      rest-1      running            30m 00s
      rest-2      running            30m 00s
      rest-3      running            30m 00s
      rest-4      running            30m 00s
      … and 10 completed, 35 running, 351 pending"
    `);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});

describe('the lines of waves', () => {
  test('are none without waves', () => {
    const status = applyStatus();
    expect(renderWaves(status, PLAIN)).toEqual([]);
    expect(waveLines(status)).toBe(0);
    expect(renderWaveChanges(null, status)).toEqual([]);
  });

  test('are few although there are many, the one that goes on among them', () => {
    const names = Array.from({ length: 20 }, (_, index) => `w${index + 1}`);
    const policy = policyOf(Object.fromEntries(names.map((name) => [name, 1])));
    for (const current of [0, 1, 9, 18, 19]) {
      const waves = names.map((name, index) => record(name, index < current ? { startedAt: AT, endedAt: AT } : {}));
      const status = applyStatus({ policy, waves, operations: names.map((name) => inWave(name, 1, 'pending')) });
      const lines = renderWaves(status, PLAIN);
      expect(lines).toHaveLength(waveLines(status));
      expect(lines.some((line) => new RegExp(`\\bw${current + 1}\\b`).test(line))).toBe(true);
      expect(lines.at(-1)).toContain('… and 14 more');
    }
  });

  test.each([
    [record('rest', { barred: 'operator' }), 'rejected'],
    [record('rest', { barred: 'deadline' }), 'expired'],
    [record('rest', { approvedAt: AT }), 'not started, approved'],
    [record('rest'), 'not started'],
    [record('rest', { startedAt: AT }), 'going on'],
  ])('say of %j: %s', (rest, expected) => {
    const canary = record('canary', { startedAt: AT, endedAt: AT });
    expect(renderWaves(twoWaves({ waves: [canary, rest] }), PLAIN)[1]).toContain(`  ${expected}  `);
  });
});

describe('lines on change', () => {
  const gate = { for: 'gate', since: AT, until: null, commands: ['approve orders-1'] } as const;

  test('tell what happened to waves, and by whom', () => {
    const before = twoWaves({});
    const approved = record('rest', { approvedAt: AT, approvedBy: 'ann', startedAt: AT });
    const after = twoWaves({ waves: [record('canary', { startedAt: AT, endedAt: AT }), approved] });
    expect(renderWaveChanges(before, after)).toEqual(['wave rest  approved by ann', 'wave rest  started']);
    expect(renderWaveChanges(null, before)).toEqual(['wave canary  started', 'wave canary  ended']);
    expect(renderWaveChanges(after, after)).toEqual([]);
    const rejected = twoWaves({ waves: [record('canary'), record('rest', { barred: 'operator' })] });
    expect(renderWaveChanges(twoWaves({ waves: [record('canary'), record('rest')] }), rejected)).toEqual([
      'wave rest  rejected',
    ]);
  });

  test('tell a wait for another wave, and nothing while it is the same', () => {
    const before = twoWaves({ waitingFor: { ...gate, wave: 'rest' } });
    expect(renderChanges(before, before)).toEqual([]);
    expect(renderChanges(before, twoWaves({ waitingFor: { ...gate, wave: 'last' } }))).toEqual([
      'orders-1  waits for gate before wave last: approve orders-1',
    ]);
  });

  test('are one where the same happens to many at once', () => {
    const names = Array.from({ length: 390 }, (_, index) => `d${index}`);
    const before = applyStatus({ operations: names.map((name) => operationStatus(name, 'pending')) });
    const after = applyStatus({
      operations: names.map((name) => operationStatus(name, 'stopped', { reason: 'policy' })),
    });
    expect(renderChanges(before, after)).toEqual(['d0, d1, d2, d3, d4, d5, d6, … (390)  stopped (policy)']);
  });
});
