import { describe, expect, it } from 'vitest';
import { CONTROL_UPDATES } from '../../workflows/messages.js';
import { send } from '../support/controls.js';
import { operationOf, resultOf, summary, untilView } from '../support/stage.js';
import { openTimeStage, timeOf } from '../support/stage-time.js';
import { wave } from '../support/waves.js';

const HOUR_MS = 3_600_000;

const opened = await openTimeStage();

describe.skipIf(opened === null)('waves over a long time', () => {
  it('a bake of two hours passes, and nothing is admitted before', async () => {
    const { stage, environment } = timeOf(opened);
    const scene = await stage.scene(['a', 'b']);
    const waves = [wave('canary', ['a'], { bakeTimeMs: 2 * HOUR_MS }), wave('rest', ['b'])];
    const handle = await scene.start(await scene.input({ rollout: { waves } }));
    await untilView(handle, ({ waves: [canary] }) => canary?.endedAt !== null);
    const events = (await handle.fetchHistory()).events?.length;
    await environment.sleep(2 * HOUR_MS - 60_000);
    expect((await handle.fetchHistory()).events?.length).toBe(events);
    expect(scene.engine('b').ledger.calls({ rpc: 'Apply' })).toEqual([]);
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=completed');
    const [canary, rest] = result.waves;
    expect(Date.parse(rest?.startedAt ?? '') - Date.parse(canary?.endedAt ?? '')).toBeGreaterThanOrEqual(2 * HOUR_MS);
    expect(Date.parse(operationOf(result, 'b').startedAt ?? '')).toBeGreaterThanOrEqual(
      Date.parse(rest?.startedAt ?? ''),
    );
  });

  it('a wave of which nothing was started does not bake', async () => {
    const { stage } = timeOf(opened);
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').changeLiveSchema('a', ['CREATE TABLE orders (id bigint)']);
    const waves = [wave('canary', ['a'], { bakeTimeMs: 2 * HOUR_MS }), wave('rest', ['b'])];
    const result = await resultOf(await scene.start(await scene.input({ rollout: { waves } })));
    expect(summary(result)).toBe('a=completed b=completed');
    const [canary, rest] = result.waves;
    expect(Date.parse(rest?.startedAt ?? '') - Date.parse(canary?.endedAt ?? '')).toBeLessThan(HOUR_MS);
  });

  it('the next wave bakes anew after one was attempted again', async () => {
    const { stage, environment } = timeOf(opened);
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { end: 'failed', message: 'no' });
    const waves = [wave('canary', ['a'], { bakeTimeMs: 2 * HOUR_MS }), wave('rest', ['b'])];
    const handle = await scene.start(await scene.input({ rollout: { waves, onFailure: 'continue' } }));
    const first = await untilView(handle, ({ waves: [canary] }) => canary?.endedAt !== null);
    await environment.sleep(HOUR_MS);
    scene.engine('a').script('a', {});
    await send(handle, CONTROL_UPDATES.retry, { deployments: ['a'] });
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=completed');
    const [canary, rest] = result.waves;
    expect(Date.parse(canary?.endedAt ?? '') - Date.parse(first.waves[0]?.endedAt ?? '')).toBeGreaterThan(HOUR_MS);
    expect(Date.parse(rest?.startedAt ?? '') - Date.parse(canary?.endedAt ?? '')).toBeGreaterThanOrEqual(2 * HOUR_MS);
  });

  it('a gate that nobody answers expires: its wave and all later ones end with the deadline as their reason', async () => {
    const { stage, environment } = timeOf(opened);
    const scene = await stage.scene(['a', 'b', 'c']);
    const gate = { gate: 'manual', expiresAfterMs: 24 * HOUR_MS } as const;
    const waves = [wave('canary', ['a'], { bakeTimeMs: HOUR_MS }), wave('rest', ['b'], gate), wave('last', ['c'])];
    const handle = await scene.start(await scene.input({ rollout: { waves } }));
    await untilView(handle, ({ waves: [canary] }) => canary?.endedAt !== null);
    // Asked for only once it has baked, so that is when its time begins.
    await environment.sleep(24 * HOUR_MS);
    const view = await untilView(handle, ({ waves: [, rest] }) => rest?.gateSince !== null);
    expect(view.operations.map(({ stage: at }) => at)).toEqual(['ended', 'pending', 'pending']);
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=stopped c=stopped');
    expect(result).toMatchObject({ state: 'stopped', controls: [], waves: [{}, { barred: 'deadline' }, {}] });
    for (const name of ['b', 'c']) {
      expect(operationOf(result, name)).toMatchObject({ reason: 'deadline', started: false, completedAt: null });
      expect(scene.engine(name).ledger.calls({ rpc: 'Apply' })).toEqual([]);
    }
  });
});
