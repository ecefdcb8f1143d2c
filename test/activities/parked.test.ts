import { describe, expect, it } from 'vitest';
import type { WatchInput, WatchUntil } from '../../activities/contract.js';
import { createWatch } from '../../activities/watch.js';
import type { Observation } from '../../domain/observation.js';
import type { OperationState } from '../../domain/state.js';
import { FakeEngine, REMOTE, attempt, failure, observation, portsOf } from './fake-engine.js';

/** What a watch says of what waits: at its cutover, or in its revert window. */
const WATCH: WatchInput = {
  ...REMOTE,
  pollIntervalMs: 1,
  verify: true,
  until: 'copy',
  startedAgain: false,
  settledBefore: null,
};
const NOTHING_LEFT = { engine: 'postgres', changes: [], lintViolations: [], errors: [], leftovers: [] };
const EARLY = '2026-11-22T07:00:00Z';
const LATE = '2026-11-22T08:00:00Z';
const ENDED = { kind: 'ended', state: 'stopped' } as const;

/** The live states of an engine, in their order. */
const LIVE = [
  'running',
  'failed_retryable',
  'waiting_for_cutover',
  'cutting_over',
  'revert_window',
  'reverting',
] as const satisfies readonly OperationState[];

/** What each state is to each watch, restated: the answer, or null to go on. */
const NEWS: Readonly<Record<WatchUntil, (state: (typeof LIVE)[number]) => object | null>> = {
  copy: (state) => (state === 'waiting_for_cutover' || state === 'revert_window' ? { kind: 'parked', state } : null),
  parked: (state) => (state === 'waiting_for_cutover' ? null : { kind: 'left_parked', state }),
  cutover: (state) => (state === 'revert_window' ? { kind: 'parked', state } : null),
  window: (state) => (state === 'revert_window' ? null : { kind: 'left_parked', state }),
  revert: () => null,
  end: (state) => (state === 'revert_window' ? { kind: 'parked', state } : null),
};

const WATCHES = Object.keys(NEWS) as readonly WatchUntil[];
const RESTING: readonly WatchUntil[] = ['parked', 'window'];

describe.each(WATCHES)('a watch until %s', (until) => {
  it.each(LIVE)('of what is %s', async (state) => {
    const fake = new FakeEngine({ progress: [observation(state), observation('stopped')] });
    const run = attempt().run(createWatch(portsOf(fake)), { ...WATCH, until });
    const news = NEWS[until](state);
    if (news !== null) expect(await run).toEqual(news);
    else if (RESTING.includes(until)) await expect(run).rejects.toMatchObject({ type: 'LookAgain' });
    else expect(await run).toMatchObject(ENDED);
    expect(fake.count('progress')).toBe(news === null && !RESTING.includes(until) ? 2 : 1);
  });

  it.each([
    ['completed', 1],
    ['failed', 1],
    ['stopped', 0],
    ['cancelled', 0],
    ['reverted', 0],
  ] as const)('ends with %s, having read the diff %d times', async (state, diffs) => {
    const fake = new FakeEngine({ progress: [observation(state)], planDiff: [NOTHING_LEFT] });
    expect(await attempt().run(createWatch(portsOf(fake)), { ...WATCH, until })).toMatchObject({
      kind: 'ended',
      state,
    });
    expect(fake.count('planDiff')).toBe(diffs);
  });
});

describe.each(RESTING)('a watch until %s', (until) => {
  const state = until === 'parked' ? 'waiting_for_cutover' : 'revert_window';

  it.each([
    [null, 45_000],
    [604_800_000, 45_000],
    [45_001, 45_000],
    [20_000, 20_000],
    [1_000, 1_000],
    [10, 1_000],
  ])('with a pollInterval of %j ms looks again after %d ms, without a slot', async (pollIntervalMs, delayMs) => {
    const fake = new FakeEngine({ progress: [observation(state)] });
    const run = attempt().run(createWatch(portsOf(fake)), { ...WATCH, until, pollIntervalMs });
    await expect(run).rejects.toMatchObject({ type: 'LookAgain', nextRetryDelay: delayMs, nonRetryable: false });
    expect(fake.count('progress')).toBe(1);
  });

  it('holds no slot for an engine that does not answer either, and says since when it does not', async () => {
    const fake = new FakeEngine({ progress: [failure('Unreachable', 'no route')] });
    const environment = attempt();
    const run = environment.run(createWatch(portsOf(fake)), { ...WATCH, until });
    await expect(run).rejects.toMatchObject({ type: 'LookAgain' });
    expect(environment.beats.at(-1)).toMatchObject({ state, lastError: 'no route' });
    expect(environment.beats.at(-1)?.['unreachableSince']).not.toBeNull();
  });

  it('keeps since when it has waited over all its attempts, and until when the engine says it waits', async () => {
    const parkedUntil = '2026-11-29T07:00:00.000Z';
    const fake = new FakeEngine({ progress: [observation(state, { parkedUntil })] });
    const first = attempt();
    await expect(first.run(createWatch(portsOf(fake)), { ...WATCH, until })).rejects.toMatchObject({
      type: 'LookAgain',
    });
    const left = first.beats.at(-1);
    expect(left).toMatchObject({ state, parkedUntil });
    expect(Date.parse(String(left?.['parkedSince']))).toBeLessThanOrEqual(Date.now());

    const parkedSince = '2026-11-22T07:00:00.000Z';
    const later = attempt({ attempt: 2, heartbeatDetails: { ...left, parkedSince } });
    await expect(later.run(createWatch(portsOf(fake)), { ...WATCH, until })).rejects.toMatchObject({
      type: 'LookAgain',
    });
    expect(later.beats.at(-1)).toMatchObject({ state, parkedSince, parkedUntil });
  });

  it('forgets both when it has left', async () => {
    const parkedSince = '2026-11-22T07:00:00.000Z';
    const fake = new FakeEngine({ progress: [observation('cutting_over', { parkedUntil: parkedSince })] });
    const environment = attempt({ attempt: 2, heartbeatDetails: { state, parkedSince, parkedUntil: parkedSince } });
    await environment.run(createWatch(portsOf(fake)), { ...WATCH, until: 'parked' });
    for (const beat of environment.beats.slice(1)) expect(beat).toMatchObject({ parkedSince: null, parkedUntil: null });
  });
});

describe('a request that the engine accepted and then settled as failed', () => {
  it.each([
    ['cutover', 'waiting_for_cutover', 'cutover', 'cutover_refused'],
    ['revert', 'revert_window', 'revert', 'revert_refused'],
    ['revert', 'revert_window', 'skip_revert', 'revert_refused'],
  ] as const)('is news to a watch until %s of what is %s: %s gives %s', async (until, state, operation, kind) => {
    const settledControls = [settled(operation, EARLY)];
    const fake = new FakeEngine({ progress: [observation(state), observation(state, { settledControls })] });
    const answer = await attempt().run(createWatch(portsOf(fake)), { ...WATCH, until });
    expect(answer).toEqual({ kind, message: 'table is locked' });
    expect(fake.count('progress')).toBe(2);
  });

  it.each([
    ['cutover', 'waiting_for_cutover', 'cutover'],
    ['revert', 'revert_window', 'skip_revert'],
  ] as const)(
    'before a watch until %s was asked for is none, whatever the clocks say',
    async (until, state, operation) => {
      const old = observation(state, { settledControls: [settled(operation, EARLY)] });
      const fresh = observation(state, { settledControls: [settled(operation, LATE)] });
      const fake = new FakeEngine({ progress: [old, old, fresh] });
      const answer = await attempt().run(createWatch(portsOf(fake)), { ...WATCH, until, settledBefore: EARLY });
      expect(answer).toMatchObject({ message: 'table is locked' });
      expect(fake.count('progress')).toBe(3);
    },
  );

  it.each([
    ['another control', 'waiting_for_cutover', [settled('stop', LATE)]],
    ['one that it settled as completed', 'waiting_for_cutover', [{ ...settled('cutover', LATE), status: 'completed' }]],
    ['one that is going on all the same', 'cutting_over', [settled('cutover', LATE)]],
  ] as const)('is no refusal when it is %s', async (_, state, settledControls) => {
    const fake = new FakeEngine({ progress: [observation(state, { settledControls }), observation('stopped')] });
    const answer = await attempt().run(createWatch(portsOf(fake)), { ...WATCH, until: 'cutover' });
    expect(answer).toMatchObject(ENDED);
  });
});

describe('a request that the engine accepted and never carried out', () => {
  it.each([
    ['cutover', 'waiting_for_cutover', 'cutover_refused'],
    ['revert', 'revert_window', 'revert_refused'],
  ] as const)('counts as refused by a watch until %s after two minutes, and not before', async (until, state, kind) => {
    const after = (ms: number) => {
      const fake = new FakeEngine({ progress: [observation(state), observation('stopped')] });
      const environment = attempt({ scheduledTimestampMs: Date.now() - ms });
      return environment.run(createWatch(portsOf(fake)), { ...WATCH, until });
    };
    expect(await after(115_000)).toMatchObject(ENDED);
    expect(await after(120_000)).toEqual({
      kind,
      message: expect.stringMatching(new RegExp(`still says ${state} after 120 s.*remote apply apply-1`)),
    });
  });

  it('is none as long as something happens', async () => {
    const fake = new FakeEngine({ progress: [observation('cutting_over'), observation('stopped')] });
    const environment = attempt({ scheduledTimestampMs: Date.now() - 3_600_000 });
    expect(await environment.run(createWatch(portsOf(fake)), { ...WATCH, until: 'cutover' })).toMatchObject(ENDED);
  });
});

function settled(operation: string, settledAt: string): Observation['settledControls'][number] {
  return { operation, status: 'failed', message: 'table is locked', settledAt };
}
