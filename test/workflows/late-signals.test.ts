import { describe, expect, it } from 'vitest';
import type { RolloutSpec } from '../../domain/spec.js';
import { ROLLOUT, applyInput, outcome, spec } from '../client/builders.js';
import { openActivations } from '../support/activation.js';
import { wave } from '../support/waves.js';

const activations = await openActivations();

const idOf = (name: string) => `production/orders/${name}/orders_${name}`;

/** Two deployments; the first has been admitted. */
async function begun(applyId: string, rollout: Partial<RolloutSpec>) {
  const input = applyInput({ spec: spec({ rollout: { ...ROLLOUT, ...rollout } }, ['eu', 'us']) });
  const run = await activations.run('apply', applyId, input);
  await run.activate();
  await run.activate(run.childStarted(idOf('eu')), run.childStarted(idOf('us')));
  return run;
}

describe('a signal that a worker finds together with what it answers', () => {
  it('a release, and the failure that paused the rollout: it goes on', async () => {
    const run = await begun('late-release', { onFailure: 'pause' });
    const both = await run.activate(
      run.signal('release', { by: 'alice' }),
      run.childCompleted(idOf('eu'), outcome('eu', 'failed')),
    );
    expect(both.signalled).toEqual([`admit to ${idOf('us')}`]);
    const { result, failure } = await run.activate(run.childCompleted(idOf('us'), outcome('us', 'completed')));
    expect(result ?? failure?.detail).toMatchObject({ released: true, controls: [{ name: 'release', by: 'alice' }] });
  });

  it('a bare approval, and the end of the wave before its gate: the next one starts', async () => {
    const waves = [wave('canary', ['eu']), wave('rest', ['us'], { gate: 'manual' })];
    const run = await begun('late-approve', { waves });
    const both = await run.activate(run.signal('approve'), run.childCompleted(idOf('eu'), outcome('eu', 'completed')));
    expect(both.signalled).toEqual([`admit to ${idOf('us')}`]);
  });

  it('is not kept for later: one that came too early stays refused', async () => {
    const run = await begun('early-release', { onFailure: 'pause' });
    const early = await run.activate(run.signal('release'));
    expect(early.commands.filter(({ signalExternalWorkflowExecution: sent }) => sent)).toEqual([]);
    const failed = await run.activate(run.childCompleted(idOf('eu'), outcome('eu', 'failed')));
    expect(failed.signalled).toEqual([]);
    const stopped = await run.activate(run.signal('stop'));
    expect(stopped.signalled).toEqual([`stop to ${idOf('us')}`]);
    const end = await run.activate(
      run.childCompleted(idOf('us'), outcome('us', 'stopped', { reason: 'operator', started: false })),
    );
    expect(end.failure?.detail).toMatchObject({ controls: [{ name: 'stop' }] });
  });
});
