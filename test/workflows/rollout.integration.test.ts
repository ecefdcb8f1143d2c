import { describe, expect, it } from 'vitest';
import { openStage, operationOf, resultOf, summary } from '../support/stage.js';

const stage = await openStage();

describe('an uneventful apply', () => {
  it('of one deployment completes in at most 14 events, its child in at most 17', async () => {
    const scene = await stage.scene(['eu']);
    const handle = await scene.start(await scene.input());
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=completed');
    expect(result.state).toBe('completed');
    const eu = operationOf(result, 'eu');
    expect(eu.remoteApplyId).toBe(scene.engine('eu').applyOn('eu').remoteApplyId);
    const parent = await handle.fetchHistory();
    expect(parent.events?.length).toBeLessThanOrEqual(14);
    const child = await scene.client.workflow.getHandle(`test/${scene.database}/eu/eu`).fetchHistory();
    expect(child.events?.length).toBeLessThanOrEqual(17);
    expect(scene.engine('eu').ledger.executionsPerKey().size).toBe(1);
  });

  it('rolls out in the order of the list, one at a time by default', async () => {
    const scene = await stage.scene(['a', 'b', 'c']);
    const handle = await scene.start(await scene.input());
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=completed b=completed c=completed');
    const times = ['a', 'b', 'c'].map((name) => operationOf(result, name).startedAt);
    expect(times).toEqual(times.toSorted((first, second) => (first ?? '').localeCompare(second ?? '')));
    const parent = await handle.fetchHistory();
    expect(parent.events?.length).toBeLessThanOrEqual(10 + 3 * 12);
    const child = await scene.client.workflow.getHandle(`test/${scene.database}/b/b`).fetchHistory();
    expect(child.events?.length).toBeLessThanOrEqual(21);
  });
});
