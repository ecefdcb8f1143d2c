import { describe, expect, it } from 'vitest';
import { lineOf, startNextRun, untilStatus } from '../support/controls.js';
import { type Scene, openStage, operationOf, resultOf, summary } from '../support/stage.js';
import { wave } from '../support/waves.js';

const stage = await openStage();

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;
const START = { control: 'start', release: false, skip: [] } as const;

describe('what is started again', () => {
  it('is asked first, in rollout order, and only what is stopped is sent a Start', async () => {
    const scene = await stage.scene(['a', 'b', 'c', 'd'], { oneEngine: true });
    const engine = scene.engine('a');
    for (const name of ['a', 'b', 'c']) engine.script(name, HOLDS);
    const waves = [wave('one', ['a', 'b', 'c']), wave('two', ['d'])];
    const input = await scene.input({ rollout: { waves, maxConcurrency: 3 } });
    const handle = await scene.start(input);
    for (const target of ['a', 'b', 'c'])
      await engine.ledger.waitForCall({ rpc: 'Progress', target, outcome: 'answered' });
    await handle.signal('stop');
    const result = await resultOf(handle);
    engine.completeApply('b');
    const before = engine.ledger.entries.length;
    const narrow = { ...input, spec: { ...input.spec, rollout: { ...input.spec.rollout, maxConcurrency: 1 } } };
    const again = await startNextRun(scene.client, { input: narrow, result }, START);
    for (const target of ['a', 'c']) {
      await engine.ledger.waitForCall({ rpc: 'Start', target, outcome: 'accepted' });
      engine.completeApply(target);
    }
    expect(summary(await resultOf(again))).toBe('a=completed b=completed c=completed d=completed');
    const calls = engine.ledger.calls().filter(({ sequence }) => sequence >= before);
    const forward = calls.filter(({ rpc }) => rpc === 'Start' || rpc === 'Apply');
    expect(forward.map(({ rpc, target }) => `${rpc} ${target}`)).toEqual(['Start a', 'Start c', 'Apply d']);
    for (const target of ['a', 'b', 'c']) expect(calls.find((call) => call.target === target)?.rpc).toBe('Progress');
    expect([...engine.ledger.executionsPerKey().values()]).toEqual([1, 1, 1, 1]);
  });

  it('and was taken over by another remote apply fails, and says that it was superseded', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', HOLDS);
    const input = await scene.input();
    const handle = await scene.start(input);
    await untilWatched(scene, 'a');
    await handle.signal('stop');
    const result = await resultOf(handle);
    const { remoteApplyId } = operationOf(result, 'a');
    // Another apply goes over the same target meanwhile.
    scene.engine('a').script('a', {});
    const other = await scene.start(await scene.input({ deployments: ['a'] }), `other-${scene.database}`);
    expect(summary(await resultOf(other))).toBe('a=completed');
    const again = await startNextRun(scene.client, { input, result }, START);
    const resumed = await resultOf(again);
    expect(summary(resumed)).toBe('a=failed b=stopped');
    expect(operationOf(resumed, 'a')).toMatchObject({
      remoteApplyId,
      message: expect.stringMatching(new RegExp(`superseded by .*remote apply ${remoteApplyId}`)),
    });
    expect(scene.engine('a').ledger.calls({ rpc: 'Apply' }).length).toBe(2);
  });

  it('is not believed to be stopped because of an answer of before the Start', async () => {
    const scene = await stage.scene(['a']);
    scene.engine('a').script('a', { ...HOLDS, staleStoppedPolls: 3 });
    const input = await scene.input();
    const handle = await scene.start(input);
    await untilWatched(scene, 'a');
    await handle.signal('stop');
    const result = await resultOf(handle);
    const again = await startNextRun(scene.client, { input, result }, START);
    const status = await untilStatus(scene.client, again.workflowId, (now) => lineOf(now, 'a').state === 'running');
    expect(status.state).toBe('running');
    scene.engine('a').completeApply('a');
    expect(summary(await resultOf(again))).toBe('a=completed');
  });
});

async function untilWatched(scene: Scene, deployment: string): Promise<void> {
  await scene.engine(deployment).ledger.waitForCall({ rpc: 'Progress', outcome: 'answered' });
}
