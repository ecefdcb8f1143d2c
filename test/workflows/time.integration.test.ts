import { describe, expect, it } from 'vitest';
import { CONTROL_SIGNALS, CONTROL_UPDATES } from '../../workflows/messages.js';
import { send } from '../support/controls.js';
import { cutovers, untilParked } from '../support/parked.js';
import { operationOf, resultOf, summary, untilView } from '../support/stage.js';
import { openTimeStage, timeOf } from '../support/stage-time.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const opened = await openTimeStage({ timings: { parkedMsMax: DAY_MS } });

describe.skipIf(opened === null)('over a long time', () => {
  it('an operation that runs for 30 days with a look a day is followed to its end', async () => {
    const { stage, environment } = timeOf(opened);
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { steps: [{ state: 'STATE_RUNNING', polls: 30 }] });
    const before = await environment.currentTimeMs();
    const handle = await scene.start(await scene.input({ pollIntervalMs: DAY_MS }));
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=completed');
    expect((await environment.currentTimeMs()) - before).toBeGreaterThanOrEqual(30 * DAY_MS);
    const { startedAt, completedAt } = operationOf(result, 'eu');
    expect(Date.parse(completedAt ?? '') - Date.parse(startedAt ?? '')).toBeGreaterThanOrEqual(30 * DAY_MS);
    expect(scene.engine('eu').ledger.calls({ rpc: 'Progress' }).length).toBe(31);
    // Looking costs no history: as many events as an operation that ran for a second.
    expect((await scene.operation('eu').fetchHistory()).events?.length).toBeLessThanOrEqual(17);
  });

  it('a stop does not wait for the next look, which is a day away', async () => {
    const { stage, environment } = timeOf(opened);
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', { steps: [{ state: 'STATE_RUNNING', holds: true }] });
    const before = await environment.currentTimeMs();
    const handle = await scene.start(await scene.input({ pollIntervalMs: DAY_MS }));
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress', outcome: 'answered' });
    await handle.signal(CONTROL_SIGNALS.stop);
    const { operations } = await untilView(handle, (view) => view.operations[0]?.outcome?.state === 'stopped');
    expect(operations[1]?.outcome?.state).toBe('stopped');
    // Nobody waits for the result here, so the clock of this server has not jumped.
    expect((await environment.currentTimeMs()) - before).toBeLessThan(HOUR_MS);
    expect(scene.engine('eu').ledger.calls({ rpc: 'Stop' }).length).toBe(1);
  });

  it('a rollout that is paused for a weekend goes on with its release, and nothing moved meanwhile', async () => {
    const { stage, environment } = timeOf(opened);
    const scene = await stage.scene(['eu', 'us', 'ap']);
    scene.engine('eu').script('eu', { end: 'failed', message: 'duplicate key value' });
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'pause' } }));
    const view = await untilView(handle, ({ operations }) => operations[0]?.outcome?.state === 'failed');
    const events = (await handle.fetchHistory()).events?.length;
    await environment.sleep(60 * HOUR_MS);
    expect((await handle.fetchHistory()).events?.length).toBe(events);
    expect(scene.engine('us').ledger.calls({ rpc: 'Apply' })).toEqual([]);
    await send(handle, CONTROL_UPDATES.release, { by: 'alice' });
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=failed us=completed ap=completed');
    const failedAt = Date.parse(view.operations[0]?.outcome?.completedAt ?? '');
    expect(Date.parse(operationOf(result, 'us').startedAt ?? '') - failedAt).toBeGreaterThanOrEqual(60 * HOUR_MS);
    expect(Date.parse(result.controls[0]?.at ?? '') - failedAt).toBeGreaterThanOrEqual(60 * HOUR_MS);
  });

  // The last one: the clock of this server may stand still once a look that was due in a day has been cancelled.
  it('what is parked for 30 days until somebody says `cutover` adds no history and holds no slot', async () => {
    const { stage, environment } = timeOf(opened);
    const scene = await stage.scene(['eu', 'us']);
    const handle = await scene.start(await scene.input({ rollout: { cutover: 'manual' } }));
    // The width is one, so the first holds none of it any more.
    await untilParked(handle, ['eu', 'us']);
    const { ledger } = scene.engine('us');
    const runs = [handle, scene.operation('eu'), scene.operation('us')];
    const lengths = () => Promise.all(runs.map(async (run) => (await run.fetchHistory()).events?.length ?? Number.NaN));
    const before = await lengths();
    const looks = ledger.calls({ rpc: 'Progress' }).length;
    await environment.sleep(30 * DAY_MS);
    expect(await lengths()).toEqual(before);
    expect(ledger.calls({ rpc: 'Progress' }).length - looks).toBeGreaterThanOrEqual(29);
    expect(cutovers(scene, ['eu', 'us'])).toEqual([]);
    await handle.signal('cutover');
    expect(summary(await resultOf(handle))).toBe('eu=completed us=completed');
    expect(cutovers(scene, ['eu', 'us']).length).toBe(2);
  });
});
