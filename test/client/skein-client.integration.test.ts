import { describe, expect, test } from 'vitest';
import { specDigest } from '../../client/digest.js';
import { type ApplyStatus, type RolloutPlan, SkeinClient, SkeinError } from '../../client/index.js';
import { resolvePolicy } from '../../domain/spec.js';
import { type Scene, openStage } from '../support/stage.js';
import { until } from '../support/until.js';

/** The library against a real Temporal server and worker, with scripted engines: what races, and what strangers do. */

const stage = await openStage();
const skein = new SkeinClient(stage.client, { caller: 'ann', address: stage.address });

const HELD = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;

type Rollout = Partial<RolloutPlan['spec']['rollout']>;

/** What the engines of a scene plan, as `plan` would have put it together. */
async function planOf(scene: Scene, deployments: readonly string[], rollout: Rollout = {}): Promise<RolloutPlan> {
  const { spec, plan } = await scene.input({ deployments, rollout });
  return {
    spec,
    schemaFiles: plan.schemaFiles,
    specDigest: specDigest(spec, plan.schemaFiles),
    policy: resolvePolicy(spec),
    classes: plan.classes.map((planClass) => ({
      digest: planClass.digest,
      deployments: plan.deployments
        .filter(({ digest }) => digest === planClass.digest)
        .map(({ deployment, planId }) => ({ deployment, target: deployment, planId, estimatedRows: [] })),
      plan: { ...planClass, planId: '', engine: '', errors: [] },
    })),
    problems: [],
    plannedAt: '2026-01-01T00:00:00.000Z',
  };
}

async function apply(scene: Scene, deployments: readonly string[], rollout: Rollout = {}): Promise<string> {
  return (await skein.apply(await planOf(scene, deployments, rollout))).apply;
}

async function untilStatus(id: string, isSo: (status: ApplyStatus) => boolean): Promise<ApplyStatus> {
  return await until(async () => {
    const status = await skein.status(id);
    return isSo(status) ? status : null;
  }, 30_000);
}

/** What must not change for a person when the worker dies. */
function placeOf({ deployment, state, remoteApplyId, attempt, startedAt }: ApplyStatus['operations'][number]) {
  return { deployment, state, remoteApplyId, attempt, started: startedAt !== null };
}

function stateOf(status: ApplyStatus, deployment: string): string | undefined {
  return status.operations.find((operation) => operation.deployment === deployment)?.state;
}

async function refusalOf(call: Promise<unknown>): Promise<SkeinError> {
  const error: unknown = await call.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  if (error instanceof SkeinError) return error;
  throw error;
}

describe('starting', () => {
  test('of two starts at once with one id, one starts the apply and the other attaches to it', async () => {
    const scene = await stage.scene(['eu']);
    const plan = await planOf(scene, ['eu']);
    const both = await Promise.all([1, 2].map(() => skein.apply(plan, { id: `twice-${scene.database}` })));
    expect(both.filter(({ attached }) => attached)).toHaveLength(1);
    expect(new Set(both.map(({ runId }) => runId)).size).toBe(1);
    expect((await skein.result(`twice-${scene.database}`))?.state).toBe('completed');
    expect((await skein.apply(plan, { id: `twice-${scene.database}` })).attached).toBe(true);
  });

  test('a target that another apply holds is named with its holder, and nothing of the second was dispatched', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', HELD);
    const plan = await planOf(scene, ['eu', 'us'], { maxConcurrency: 2 });
    const first = (await skein.apply(plan)).apply;
    await untilStatus(first, (status) => stateOf(status, 'eu') === 'running');
    const second = (await skein.apply(plan)).apply;
    const status = await skein.result(second);
    expect(status).toMatchObject({ state: 'failed', message: expect.stringContaining(first) });
    expect(status?.operations.map(({ started }) => started)).toEqual([false, false]);
    scene.engine('eu').proceed('eu');
    expect((await skein.result(first))?.state).toBe('completed');
  });
});

describe('stopping', () => {
  test('a stop that ends the apply at once is answered as accepted, with what was never started', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', { end: 'failed', effect: 'never' });
    const id = await apply(scene, ['eu', 'us'], { onFailure: 'pause' });
    await untilStatus(id, ({ waitingFor }) => waitingFor?.for === 'release');
    expect(await skein.stop(id)).toEqual({
      apply: id,
      control: 'stop',
      answer: 'accepted',
      deployments: { eu: 'ended', us: 'not_started' },
    });
    const status = await skein.result(id);
    expect(status).toMatchObject({ state: 'failed' });
    expect(status?.controls).toEqual([
      expect.objectContaining({ name: 'stop', by: 'ann', settledAt: expect.any(String) }),
    ]);
    expect((await skein.stop(id)).answer).toBe('already');
  });

  test('of two starts at once after a stop, one begins the new run and the other is refused', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', HELD);
    const id = await apply(scene, ['eu', 'us']);
    await untilStatus(id, (status) => stateOf(status, 'eu') === 'running');
    await skein.stop(id);
    expect((await skein.result(id))?.state).toBe('stopped');
    const both = await Promise.allSettled([skein.start(id), skein.start(id)]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await untilStatus(id, (status) => stateOf(status, 'eu') === 'running');
    scene.engine('eu').proceed('eu');
    expect((await skein.result(id))?.state).toBe('completed');
    expect((await refusalOf(skein.start(id))).kind).toBe('refused');
  });

  test('a deployment that a control names wrongly is refused with the names there are, and leaves no trace', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', HELD);
    const id = await apply(scene, ['eu', 'us']);
    await untilStatus(id, (status) => stateOf(status, 'eu') === 'running');
    const refusal = await refusalOf(skein.skip(id, { deployments: ['eux'], reason: 'a typing mistake' }));
    expect(refusal.kind).toBe('refused');
    expect(refusal.message).toContain('it has eu, us');
    expect((await skein.status(id)).controls).toEqual([]);
    scene.engine('eu').proceed('eu');
    await skein.result(id);
  });
});

describe('without a worker', () => {
  test('the status is told from history, also after a stranger sent signals with anything in them', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', HELD);
    const id = await apply(scene, ['eu', 'us']);
    await untilStatus(
      id,
      (status) => stateOf(status, 'eu') === 'running' && status.operations[0]?.remoteApplyId !== null,
    );
    const before = await skein.status(id);
    await scene.stopWorker();

    const handle = stage.client.workflow.getHandle(id);
    await handle.signal('no such control', { by: 'eve' });
    await handle.signal('stop', 'not an object', [1, 2, 3]);
    await handle.signal('stop', null);
    const coarse = await skein.status(id);
    expect(coarse).toMatchObject({ detail: 'coarse', state: 'stopping' });
    expect(coarse.controls.map(({ name, by }) => [name, by])).toEqual([['stop', null]]);
    expect(coarse.operations.map(placeOf)).toEqual(before.operations.map(placeOf));

    await scene.startWorker();
    expect((await skein.result(id))?.state).toBe('stopped');
  });
});

describe('what is no apply', () => {
  test('an unknown id, a workflow of another type, and one of our type that somebody else started are told apart', async () => {
    expect((await refusalOf(skein.status('nobody-knows-me'))).kind).toBe('unknown_apply');
    expect((await refusalOf(skein.status('production/orders/eu/orders_eu'))).message).toContain('is no apply id');
    const options = { taskQueue: 'somebody-elses', args: ['hello'] };
    await stage.client.workflow.start('invoice', { ...options, workflowId: 'an-invoice' });
    expect((await refusalOf(skein.status('an-invoice'))).message).toContain('of type invoice');
    await stage.client.workflow.start('apply', { ...options, workflowId: 'an-application' });
    expect((await refusalOf(skein.stop('an-application', { environment: 'x' }))).message).toContain(
      'no apply of this product',
    );
    const listed = await skein.list();
    expect(listed.map((one) => one.apply)).not.toContain('an-application');
  });
});
