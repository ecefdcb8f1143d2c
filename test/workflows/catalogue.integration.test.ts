import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { SkeinClient, SkeinError } from '../../client/index.js';
import { startApply } from '../../client/start-apply.js';
import type { ApplyInput } from '../../domain/apply.js';
import { CONTROL_SIGNALS, CONTROL_UPDATES } from '../../workflows/messages.js';
import { failureOf, send, untilStatus } from '../support/controls.js';
import { type Scene, openStage, operationOf, resultOf, summary, untilView } from '../support/stage.js';
import { until } from '../support/until.js';

/** What docs/scenarios.md tells and no other file shows. Most of it is refused: nothing happens, and that is looked for. */

const stage = await openStage({ timings: { internalErrorsMsMax: 100 } });
const skein = new SkeinClient(stage.client, { caller: 'ann', address: stage.address });

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;

function engineCalls(scene: Scene, deployments: readonly string[]): number {
  const engines = new Set(deployments.map((name) => scene.engine(name)));
  return [...engines].reduce(
    (sum, { ledger }) => sum + ledger.calls({ rpc: ['Apply', 'Start', 'Stop', 'Cancel', 'Cutover'] }).length,
    0,
  );
}

async function eventTypes(handle: WorkflowHandle): Promise<readonly string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).map((event) => Object.keys(event).find((key) => key.endsWith('Attributes')) ?? '');
}

/** Once no workflow task is on its way; every event after that was caused by whoever comes next. */
async function eventsAtRest(handle: WorkflowHandle): Promise<readonly string[]> {
  return until(async () => {
    const { pendingWorkflowTask } = (await handle.describe()).raw;
    return pendingWorkflowTask ? null : eventTypes(handle);
  });
}

async function errorOf(call: Promise<unknown>): Promise<SkeinError> {
  const error: unknown = await call.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  if (error instanceof SkeinError) return error;
  throw error;
}

async function runningApply(deployments: readonly string[], applyId?: string) {
  const scene = await stage.scene(deployments);
  const [first = ''] = deployments;
  scene.engine(first).script(first, HOLDS);
  const input = await scene.input();
  const handle = await scene.start(input, applyId);
  await untilStatus(scene.client, handle.workflowId, (now) => now.operations[0]?.remoteApplyId !== null);
  return { scene, input, handle };
}

describe('an apply that was started around the client', () => {
  const [EU, US] = ['eu', 'us'].map((name) => ({ name, target: name, queue: 'skein' }));
  const cases: readonly (readonly [what: string, change: (input: ApplyInput) => object, says: string])[] = [
    [
      'a deployment listed twice',
      ({ spec }) => ({ spec: { ...spec, deployments: [EU, US, EU] } }),
      'deployments[2].name "eu" is listed already at deployments[0]; each deployment appears once',
    ],
    ['a name that is none', ({ spec }) => ({ spec: { ...spec, database: 'or/ders' } }), 'database must be'],
    [
      'a policy that is none',
      ({ spec }) => ({ spec: { ...spec, rollout: { ...spec.rollout, onFailure: 'ignore' } } }),
      'rollout.onFailure must be one of halt, continue, pause',
    ],
    [
      'a deployment without a plan',
      ({ plan }) => ({ plan: { ...plan, deployments: plan.deployments.slice(0, 1) } }),
      'deployment us has no plan',
    ],
    [
      'a plan of a deployment that is none of its own',
      ({ plan }) => ({
        plan: { ...plan, deployments: [...plan.deployments, { ...plan.deployments[0], deployment: 'mars' }] },
      }),
      'plan names mars, which the spec does not have',
    ],
    [
      'a plan without an id',
      ({ plan }) => ({ plan: { ...plan, deployments: plan.deployments.map((one) => ({ ...one, planId: '' })) } }),
      'the plan of eu has no id; the plan of us has no id',
    ],
    ['a plan of no class', ({ plan }) => ({ plan: { ...plan, classes: [] } }), 'which the plan does not have'],
    ['no digest of its spec', () => ({ specDigest: '' }), 'specDigest is missing'],
    [
      'a deployment that is planned twice',
      ({ plan }) => ({ plan: { ...plan, deployments: [...plan.deployments, ...plan.deployments.slice(0, 1)] } }),
      'deployment eu is planned twice',
    ],
    [
      'plans that differ although nobody allowed drift',
      ({ plan }) => ({
        plan: {
          ...plan,
          classes: [...plan.classes, { ...plan.classes[0], digest: 'another' }],
          deployments: plan.deployments.map((one, index) => (index === 1 ? { ...one, digest: 'another' } : one)),
        },
      }),
      'the plan of us differs from that of eu, and drift is not allowed',
    ],
    [
      'operations carried over that are not those of its spec',
      () => ({
        carried: { operations: [], released: false, cancel: false, controls: [], waves: [], startedAt: null },
      }),
      'nothing is carried over of deployment eu; nothing is carried over of deployment us',
    ],
  ];

  it.each(cases)('with %s is refused: no operation, no call, and the problem is named', async (_what, change, says) => {
    const scene = await stage.scene(['eu', 'us']);
    const input = await scene.input();
    const handle = await scene.start({ ...input, ...change(input) });
    const failure = await failureOf(handle);
    expect(failure.type).toBe('InvalidSpec');
    expect(failure.message).toContain(says);
    expect((await eventTypes(handle)).filter((type) => /child|activity/i.test(type))).toEqual([]);
    expect(engineCalls(scene, ['eu', 'us'])).toBe(0);
  });
});

describe('a plan that was made for another target', () => {
  it('never runs: the operation fails with the words of its engine and its ids, and nothing else starts', async () => {
    const scene = await stage.scene(['eu', 'us'], { oneEngine: true });
    const input = await scene.input();
    const [eu, us] = input.plan.deployments.map(({ planId }) => planId);
    const swapped = { eu: us ?? '', us: eu ?? '' } as const;
    const deployments = input.plan.deployments.map((one) => ({
      ...one,
      planId: swapped[one.deployment === 'eu' ? 'eu' : 'us'],
    }));
    const result = await resultOf(await scene.start({ ...input, plan: { ...input.plan, deployments } }));
    expect(summary(result)).toBe('eu=failed us=stopped');
    expect(operationOf(result, 'eu')).toMatchObject({ remoteApplyId: null, dispatch: 'unconfirmed' });
    expect(operationOf(result, 'eu').message).toContain('target "eu" does not match plan');
    expect(operationOf(result, 'eu').message).toContain('[deployment eu, remote apply none, attempt 0]');
    expect(scene.engine('eu').ledger.effects({ effect: 'executed' })).toEqual([]);
  });
});

describe('another spec under the id of a running apply', () => {
  it('is a conflict that shows the difference, leaves no event and reaches no engine', async () => {
    const { scene, input, handle } = await runningApply(['eu', 'us']);
    const other = {
      ...input,
      specDigest: 'another',
      spec: { ...input.spec, rollout: { ...input.spec.rollout, onFailure: 'continue' as const } },
    };
    const before = await eventsAtRest(handle);
    const calls = engineCalls(scene, ['eu', 'us']);
    const error = await errorOf(startApply(scene.client, handle.workflowId, other));
    expect(error.kind).toBe('conflict');
    expect(error.message).toContain(`apply ${handle.workflowId} exists with another spec`);
    expect(error.problems.join('\n')).toContain('onFailure');
    expect(await eventTypes(handle)).toEqual(before);
    expect(engineCalls(scene, ['eu', 'us'])).toBe(calls);
    scene.engine('eu').completeApply('eu');
    expect(summary(await resultOf(handle))).toBe('eu=completed us=completed');
  });
});

describe('a control that means another apply', () => {
  it('by its environment is refused before anything is recorded, also where it would be a signal', async () => {
    const { scene, handle } = await runningApply(['eu', 'us']);
    const before = await eventsAtRest(handle);
    const calls = engineCalls(scene, ['eu', 'us']);
    const elsewhere = { environment: 'production' };
    const attempts = {
      stop: () => skein.stop(handle.workflowId, elsewhere),
      cancel: () => skein.cancel(handle.workflowId, elsewhere),
      start: () => skein.start(handle.workflowId, elsewhere),
      retry: () => skein.retry(handle.workflowId, elsewhere),
      skip: () => skein.skip(handle.workflowId, { ...elsewhere, deployments: ['us'], reason: 'a mistake' }),
      cutover: () => skein.cutover(handle.workflowId, elsewhere),
      release: () => skein.release(handle.workflowId, elsewhere),
    };
    for (const [control, attempt] of Object.entries(attempts)) {
      const error = await errorOf(attempt());
      expect(error.kind, control).toBe('refused');
      expect(error.message, control).toContain(
        `${control} names environment production, and apply ${handle.workflowId} is in test`,
      );
    }
    expect(await eventTypes(handle)).toEqual(before);
    expect(engineCalls(scene, ['eu', 'us'])).toBe(calls);
  });

  it('by its environment begins no new run of one that has ended', async () => {
    const { scene, handle } = await runningApply(['eu', 'us']);
    await handle.signal(CONTROL_SIGNALS.stop);
    await resultOf(handle);
    const calls = engineCalls(scene, ['eu', 'us']);
    const elsewhere = { environment: 'production' };
    for (const control of ['start', 'retry', 'cancel'] as const)
      expect((await errorOf(skein[control](handle.workflowId, elsewhere))).message).toContain(
        `${control} names environment production`,
      );
    const { runId } = await stage.client.workflow.getHandle(handle.workflowId).describe();
    expect(runId).toBe(handle.firstExecutionRunId);
    expect(engineCalls(scene, ['eu', 'us'])).toBe(calls);
  });

  it('by a deployment that it does not have is refused before anything is recorded, with and without a worker', async () => {
    const { scene, handle } = await runningApply(['eu', 'us']);
    const before = await eventsAtRest(handle);
    const cancel = () => errorOf(skein.cancel(handle.workflowId, { deployments: ['us', 'mars'] }));
    expect((await cancel()).message).toContain(
      `cancel names deployment mars, which apply ${handle.workflowId} does not have; it has eu, us`,
    );
    await scene.stopWorker();
    expect(await cancel()).toMatchObject({ kind: 'refused' });
    expect(await eventTypes(handle)).toEqual(before);
    expect(scene.engine('eu').ledger.calls({ rpc: ['Stop', 'Cancel'] })).toEqual([]);
    await scene.startWorker();
  });
});

describe('two releases at once', () => {
  it('are one: the other is in force already, and one is on record', async () => {
    const scene = await stage.scene(['a', 'b']);
    scene.engine('a').script('a', { end: 'failed' });
    scene.engine('b').script('b', HOLDS);
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'pause' } }));
    await untilView(handle, ({ operations }) => operations[0]?.outcome !== null);
    const answers = await Promise.all(['ann', 'bob'].map((by) => send(handle, CONTROL_UPDATES.release, { by })));
    expect(answers.map(({ answer }) => answer).toSorted()).toEqual(['accepted', 'already']);
    await scene.engine('b').ledger.waitForCall({ rpc: 'Progress' });
    scene.engine('b').completeApply('b');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('a=failed b=completed');
    expect(result.controls.map(({ name }) => name)).toEqual(['release']);
  });
});

describe('two applies of one database', () => {
  it('on different deployments run beside each other, and neither waits for the other', async () => {
    const scene = await stage.scene(['eu', 'us']);
    for (const name of ['eu', 'us']) scene.engine(name).script(name, HOLDS);
    const first = await scene.start(await scene.input({ deployments: ['eu'] }), `first-${scene.database}`);
    const second = await scene.start(await scene.input({ deployments: ['us'] }), `second-${scene.database}`);
    for (const name of ['eu', 'us']) await scene.engine(name).ledger.waitForCall({ rpc: 'Progress' });
    for (const name of ['us', 'eu']) scene.engine(name).completeApply(name);
    expect(summary(await resultOf(second))).toBe('us=completed');
    expect(summary(await resultOf(first))).toBe('eu=completed');
  });
});

describe('a stopped apply whose target another one took', () => {
  it('is not started while that one runs: it is named, nothing is sent, and a later start goes on', async () => {
    const { scene, handle } = await runningApply(['eu', 'us']);
    const { remoteApplyId } = scene.engine('eu').applyOn('eu');
    await handle.signal(CONTROL_SIGNALS.stop);
    expect(summary(await resultOf(handle))).toBe('eu=stopped us=stopped');
    scene.engine('us').script('us', HOLDS);
    const other = await scene.start(await scene.input({ deployments: ['us'] }), `other-${scene.database}`);
    await scene.engine('us').ledger.waitForCall({ rpc: 'Progress' });

    await skein.start(handle.workflowId);
    const failure = await failureOf(scene.client.workflow.getHandle(handle.workflowId));
    expect(failure.type).toBe('TargetHeld');
    expect(failure.message).toContain(`another apply holds us (target us) by other-${scene.database}`);
    expect(scene.engine('eu').ledger.calls({ rpc: 'Start' })).toEqual([]);

    scene.engine('us').completeApply('us');
    expect(summary(await resultOf(other))).toBe('us=completed');
    scene.engine('us').script('us', {});
    await skein.start(handle.workflowId);
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Start' });
    scene.engine('eu').completeApply('eu');
    const result = await resultOf(scene.client.workflow.getHandle(handle.workflowId));
    expect(operationOf(result, 'eu')).toMatchObject({ state: 'completed', remoteApplyId });
  });

  it('and whose work that one took over ends failed where it was, in the words of the engine, and is not run twice', async () => {
    const { scene, handle } = await runningApply(['eu', 'us']);
    await handle.signal(CONTROL_SIGNALS.stop);
    await resultOf(handle);
    scene.engine('eu').script('eu', HOLDS);
    const other = await scene.start(await scene.input({ deployments: ['eu'] }), `other-${scene.database}`);
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Apply', nth: 2, outcome: 'accepted' });
    scene.engine('eu').completeApply('eu');
    expect(summary(await resultOf(other))).toBe('eu=completed');

    await skein.start(handle.workflowId);
    const result = await resultOf(scene.client.workflow.getHandle(handle.workflowId));
    expect(summary(result)).toBe('eu=failed us=stopped');
    expect(operationOf(result, 'eu')).toMatchObject({ confirmed: true, attempt: 0 });
    expect(operationOf(result, 'eu').message).toContain('superseded by a newer apply');
    expect(scene.engine('eu').ledger.calls({ rpc: 'Apply' }).length).toBe(2);
  });
});
