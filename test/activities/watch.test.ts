import { CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { WatchInput } from '../../activities/contract.js';
import { createWatch } from '../../activities/watch.js';
import { until } from '../support/until.js';
import { CHANGE, FakeEngine, REMOTE, SHUTDOWN, attempt, failure, observation, portsOf } from './fake-engine.js';

const WATCH: WatchInput = {
  ...REMOTE,
  pollIntervalMs: 1,
  verify: true,
  until: 'copy',
  startedAgain: false,
  settledBefore: null,
};
const NOTHING_LEFT = { engine: 'postgres', changes: [], lintViolations: [], errors: [], leftovers: [] };
const ALL_LEFT = { ...NOTHING_LEFT, changes: [CHANGE] };

/** Ports whose plan adds a column to a table that is there. */
function addingColumn(fake: FakeEngine) {
  const changes = [{ ...CHANGE, ddl: 'ALTER TABLE orders ADD n6 int' }];
  return { ...portsOf(fake), plans: { fetch: () => Promise.resolve({ changes, schemaFiles: {} }) } };
}

describe('watch', () => {
  it('shows state, phase and progress in its heartbeat, and ends with what the engine ended with', async () => {
    const progress = { percent: 40, rowsCopied: '4000', rowsTotal: '10000', etaSeconds: 12 };
    const fake = new FakeEngine({
      progress: [
        observation('running', { phase: 'checksumming', progress, detail: 'orders' }),
        observation('completed'),
      ],
    });
    const environment = attempt();
    const planDiff = async () => {
      await until(() => environment.beats.at(-1)?.['phase'] === 'verifying');
      return NOTHING_LEFT;
    };
    const ports = portsOf({ engine: { ...fake.engine, planDiff } });
    const answer = await environment.run(createWatch(ports), { ...WATCH, pollIntervalMs: 100 });
    expect(answer).toMatchObject({ kind: 'ended', state: 'completed', confirmed: true });
    expect(environment.beats).toContainEqual(
      expect.objectContaining({ state: 'running', phase: 'checksumming', progress, detail: 'orders' }),
    );
    expect(environment.beats.at(-1)).toMatchObject({ phase: 'verifying' });
  });

  it.each([
    ['copy', [], 'running'],
    ['cutover', [observation('cutting_over')], 'cutting_over'],
    // Over before the first look.
    ['cutover', [], 'cutting_over'],
    ['revert', [], 'revert_window'],
  ] as const)('verifies what was watched until %s without going back to a copy', async (until_, looks, state) => {
    const fake = new FakeEngine({ progress: [...looks, observation('completed')] });
    const environment = attempt();
    const isVerifying = () => environment.beats.at(-1)?.['phase'] === 'verifying';
    const planDiff = async () => {
      await until(isVerifying);
      return NOTHING_LEFT;
    };
    const watch = createWatch(portsOf({ engine: { ...fake.engine, planDiff } }));
    await environment.run(watch, { ...WATCH, until: until_, pollIntervalMs: 100 });
    expect(environment.beats.at(-1)).toMatchObject({ state, phase: 'verifying', parkedSince: null });
  });

  it('with an interval of half a minute or more gives its slot back between two looks', async () => {
    const fake = new FakeEngine({ progress: [observation('running')] });
    const run = attempt().run(createWatch(portsOf(fake)), { ...WATCH, pollIntervalMs: 30_000 });
    await expect(run).rejects.toMatchObject({ type: 'LookAgain', nextRetryDelay: 30_000, nonRetryable: false });
    expect(fake.count('progress')).toBe(1);
  });

  it('counts reads that do not know the remote apply over attempts, and one that does resets them', async () => {
    const fake = new FakeEngine({ progress: [observation('missing')], planDiff: [ALL_LEFT] });
    const third = attempt({ attempt: 3, heartbeatDetails: { state: 'running', missingReads: 2 } });
    const answer = await third.run(createWatch(portsOf(fake)), WATCH);
    expect(answer).toMatchObject({ kind: 'ended', state: 'failed', confirmed: false });
    expect(fake.count('progress')).toBe(1);

    const recovered = new FakeEngine({
      progress: [observation('missing'), observation('running'), observation('missing'), observation('completed')],
      planDiff: [NOTHING_LEFT],
    });
    const again = attempt({ attempt: 2, heartbeatDetails: { state: 'running', missingReads: 1 } });
    expect(await again.run(createWatch(portsOf(recovered)), WATCH)).toMatchObject({ state: 'completed' });
  });

  it('keeps the error of an engine that does not answer for as long as it lasts', async () => {
    const fake = new FakeEngine({
      progress: [failure('Unreachable', 'no route'), failure('Ambiguous', 'no answer'), observation('stopped')],
    });
    const environment = attempt();
    const answer = await environment.run(createWatch(portsOf(fake)), { ...WATCH, pollIntervalMs: 60 });
    expect(answer).toMatchObject({ kind: 'ended', state: 'stopped' });
    const errors = environment.beats.filter((beat) => beat['unreachableSince'] !== null);
    expect(errors.map((beat) => beat['lastError'])).toEqual(expect.arrayContaining(['no route', 'no answer']));
    expect(new Set(errors.map((beat) => beat['unreachableSince'])).size).toBe(1);
  });

  it('ends unconfirmed once the engine refuses to be asked, names it, and reads the diff before it says failed', async () => {
    const progress = [observation('running'), failure('EngineRefused', 'INVALID_ARGUMENT: no such environment')];
    for (const [planDiff, changeInPlace] of [
      [ALL_LEFT, false],
      [NOTHING_LEFT, true],
    ] as const) {
      const fake = new FakeEngine({ progress, planDiff: [planDiff] });
      const answer = await attempt().run(createWatch(portsOf(fake)), WATCH);
      expect(answer).toMatchObject({ kind: 'ended', state: 'failed', confirmed: false, changeInPlace });
      expect(answer).toMatchObject({ message: expect.stringContaining('no such environment') });
      expect(answer).toMatchObject({ message: expect.stringContaining('[deployment eu, remote apply apply-1') });
    }
  });

  it('believes stopped at once, unless there was a Start a moment ago', async () => {
    const progress = [observation('stopped'), observation('completed')];
    const believed = new FakeEngine({ progress });
    expect(await attempt().run(createWatch(portsOf(believed)), WATCH)).toMatchObject({ state: 'stopped' });
    const stale = new FakeEngine({ progress, planDiff: [NOTHING_LEFT] });
    const answer = await attempt().run(createWatch(portsOf(stale)), { ...WATCH, startedAgain: true });
    expect(answer).toMatchObject({ state: 'completed' });
    const old = new FakeEngine({ progress });
    const late = attempt({ scheduledTimestampMs: Date.now() - 31_000 });
    expect(await late.run(createWatch(portsOf(old)), { ...WATCH, startedAgain: true })).toMatchObject({
      state: 'stopped',
    });
  });

  it('calls what nobody can tell from the plan neither done nor missing, and says what to do', async () => {
    const options = { ...CHANGE, ddl: "ALTER TABLE orders COMMENT = 'x'" };
    const ends = (baseline: readonly string[] | null) => {
      const left = { ...NOTHING_LEFT, changes: [options] };
      const fake = new FakeEngine({ progress: [observation('completed')], planDiff: [left] });
      return attempt().run(createWatch(addingColumn(fake)), { ...WATCH, baseline });
    };
    const unknown = await ends(null);
    expect(unknown).toMatchObject({ state: 'failed', confirmed: false, unverified: true, drift: [] });
    const message = 'message' in unknown ? unknown.message : '';
    for (const part of [
      "COMMENT = 'x' on orders",
      'cannot be verified',
      'no diff from before',
      '`retry`',
      '`skip --reason`',
    ])
      expect(message).toContain(part);
    expect(await ends([])).toMatchObject({ state: 'failed', message: expect.stringContaining('was not in the diff') });
    const known = await ends(["public.orders comment = ''x'"]);
    expect(known).toMatchObject({ state: 'completed', confirmed: true, drift: ["COMMENT = 'x' on orders"] });
  });

  it('reads the diff once more before it disbelieves, and believes what only lagged behind', async () => {
    const left = { ...NOTHING_LEFT, changes: [{ ...CHANGE, ddl: "ALTER TABLE orders COMMENT = 'x'" }] };
    const fake = new FakeEngine({ progress: [observation('completed')], planDiff: [left, NOTHING_LEFT] });
    expect(await attempt().run(createWatch(portsOf(fake)), WATCH)).toMatchObject({ state: 'completed' });
    expect(fake.count('planDiff')).toBe(2);
  });

  it('does not call a change in place that nobody can tell from the rest of the diff', async () => {
    const left = { ...NOTHING_LEFT, changes: [{ ...CHANGE, ddl: 'ALTER TABLE orders (' }] };
    const fake = new FakeEngine({ progress: [observation('failed', { message: 'lost' })], planDiff: [left] });
    const answer = await attempt().run(createWatch(portsOf(fake)), WATCH);
    expect(answer).toMatchObject({ state: 'failed', changeInPlace: false, confirmed: true });
    expect(answer).toMatchObject({ message: expect.stringContaining('not known whether the change is there') });
  });

  it('gives up a read that hangs when its worker shuts down', async () => {
    const fake = new FakeEngine({});
    const ports = portsOf(fake);
    let asked = 0;
    const hanging = {
      ...fake.engine,
      progress: () => {
        asked += 1;
        return new Promise<never>(() => undefined);
      },
    };
    const environment = attempt();
    const run = environment.run(
      createWatch({ ...ports, engines: { ...ports.engines, engineFor: () => hanging } }),
      WATCH,
    );
    const ended = expect(run).rejects.toBeInstanceOf(CancelledFailure);
    await until(() => asked > 0);
    environment.cancel('WORKER_SHUTDOWN', SHUTDOWN);
    await ended;
  });
});
