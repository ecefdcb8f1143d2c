import { describe, expect, it } from 'vitest';
import type { ApplyInput } from '../../domain/apply.js';
import { createEngines } from '../../tern/engines.js';
import { CONTROL_UPDATES } from '../../workflows/messages.js';
import { lineOf, send, startNextRun, untilStatus } from '../support/controls.js';
import type { FaultAction } from '../support/scripted-engine.js';
import { SCHEMA, type Scene, openStage, operationOf, resultOf, summary, untilView } from '../support/stage.js';

const stage = await openStage({ timings: { internalErrorsMsMax: 100, verifyAgainMs: 100 } });

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;
const ALWAYS = Number.POSITIVE_INFINITY;
const RETRY_ALL = { control: 'retry', deployments: [], release: false, skip: [] } as const;

/** The keys of the Apply calls that an engine saw, in order. */
function keysSent(scene: Scene, deployment: string): string[] {
  return scene
    .engine(deployment)
    .ledger.calls({ rpc: 'Apply' })
    .map((call) => call.idempotencyKey);
}

function executions(scene: Scene, deployment: string): number[] {
  return [...scene.engine(deployment).ledger.executionsPerKey().values()];
}

function attemptsOf(keys: readonly string[]): string[] {
  return keys.map((key) => key.split('/').at(-1) ?? '');
}

describe('a dispatch whose answer is lost', () => {
  it.each<readonly [what: string, times: number, action: FaultAction]>([
    ['UNAVAILABLE before the commit', 2, { kind: 'error_before', status: 'UNAVAILABLE' }],
    ['UNAVAILABLE after the commit', 2, { kind: 'error_after', status: 'UNAVAILABLE' }],
    ['the deadline, and it was accepted', 1, { kind: 'swallow' }],
    ['the deadline, and nothing was done', 1, { kind: 'hang' }],
    ['INTERNAL after the commit', 1, { kind: 'error_after', status: 'INTERNAL' }],
  ])('by %s is sent again with the same key and runs once', async (_what, times, action) => {
    const scene = await stage.scene(['eu'], { patience: { deadlineMsMax: 500 } });
    const fault = scene.engine('eu').fault({ rpc: 'Apply', times, action });
    const result = await resultOf(await scene.start(await scene.input()));
    expect(fault.hits).toBe(times);
    expect(summary(result)).toBe('eu=completed');
    expect(operationOf(result, 'eu')).toMatchObject({ attempt: 0, dispatch: 'confirmed' });
    const keys = keysSent(scene, 'eu');
    expect(keys.length).toBe(times + 1);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(new RegExp(`^skein/apply-${scene.database}/[0-9a-f]{12}/eu/0$`));
    expect(executions(scene, 'eu')).toEqual([1]);
  });

  it('by a lost connection while the engine is at it is sent again once there is a connection', async () => {
    const scene = await stage.scene(['eu']);
    const held = scene.engine('eu').fault({ rpc: 'Apply', action: { kind: 'hold_after' } });
    const handle = await scene.start(await scene.input());
    await scene.engine('eu').ledger.waitFor((entry) => entry.kind === 'effect' && entry.effect === 'executed');
    await scene.engine('eu').pause();
    const status = await untilStatus(
      scene.client,
      handle.workflowId,
      (now) => lineOf(now, 'eu').unreachableSince !== null,
    );
    expect(lineOf(status, 'eu')).toMatchObject({ state: 'dispatching', started: true });
    held.release();
    await scene.engine('eu').resume();
    expect(summary(await resultOf(handle))).toBe('eu=completed');
    expect(executions(scene, 'eu')).toEqual([1]);
  });

  it('by a denied access waits visibly and goes on once it is let in', async () => {
    const scene = await stage.scene(['eu']);
    const fault = scene.engine('eu').fault({
      rpc: 'Apply',
      times: ALWAYS,
      action: { kind: 'error_before', status: 'UNAUTHENTICATED' },
    });
    const handle = await scene.start(await scene.input());
    const status = await untilStatus(scene.client, handle.workflowId, (now) =>
      lineOf(now, 'eu').message.includes('denied'),
    );
    expect(lineOf(status, 'eu').state).toBe('dispatching');
    fault.remove();
    expect(summary(await resultOf(handle))).toBe('eu=completed');
  });
});

describe('a dispatch that a live engine answers with nothing but errors', () => {
  it('ends failed and unconfirmed after the bound, with the last text; the policy closes', async () => {
    const { result } = await unconfirmedDispatch({ kind: 'error_before', status: 'INTERNAL', message: 'disk is full' });
    expect(summary(result)).toBe('eu=failed us=stopped');
    const eu = operationOf(result, 'eu');
    expect(eu).toMatchObject({ dispatch: 'unconfirmed', confirmed: false, started: true, remoteApplyId: null });
    expect(eu.message).toContain('disk is full');
    expect(eu.message).toContain('cannot be told whether it was accepted');
    expect(eu.message).toContain('[deployment eu, remote apply none, attempt 0]');
  });

  it('is asked for by its old key on a retry, and found: no new attempt is made', async () => {
    const { scene, input, result } = await unconfirmedDispatch({ kind: 'error_after', status: 'INTERNAL' });
    const retried = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(summary(retried)).toBe('eu=completed us=completed');
    expect(operationOf(retried, 'eu')).toMatchObject({
      attempt: 0,
      resolvedBy: 'lookup',
      dispatch: 'confirmed',
      remoteApplyId: scene.engine('eu').applyOn('eu').remoteApplyId,
    });
    expect(new Set(attemptsOf(keysSent(scene, 'eu')))).toEqual(new Set(['0']));
    expect(executions(scene, 'eu')).toEqual([1]);
  });

  it('is asked for by its old key on a retry, and definitely not there: then there is a new attempt', async () => {
    const { scene, input, result } = await unconfirmedDispatch({ kind: 'error_before', status: 'INTERNAL' });
    const sentBefore = keysSent(scene, 'eu').length;
    const retried = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(summary(retried)).toBe('eu=completed us=completed');
    expect(operationOf(retried, 'eu')).toMatchObject({ attempt: 1, dispatch: 'confirmed', resolvedBy: null });
    const { ledger } = scene.engine('eu');
    expect(ledger.calls({ rpc: 'FindApply' }).length).toBe(1);
    expect(attemptsOf(keysSent(scene, 'eu').slice(sentBefore))).toEqual(['1']);
    expect(executions(scene, 'eu')).toEqual([1]);
  });

  it('without a lookup is sent again by its old key on a retry, and adopted', async () => {
    const { scene, input, result } = await unconfirmedDispatch(
      { kind: 'error_after', status: 'INTERNAL' },
      { lookup: false },
    );
    const sentBefore = keysSent(scene, 'eu').length;
    const retried = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(operationOf(retried, 'eu')).toMatchObject({ state: 'completed', attempt: 0, resolvedBy: 'resend' });
    expect(attemptsOf(keysSent(scene, 'eu').slice(sentBefore))).toEqual(['0']);
    expect(executions(scene, 'eu')).toEqual([1]);
  });

  it('without a lookup gets a new attempt only after its old key was definitely refused', async () => {
    const { scene, input, result } = await unconfirmedDispatch(
      { kind: 'error_before', status: 'INTERNAL' },
      { lookup: false },
    );
    const sentBefore = keysSent(scene, 'eu').length;
    const engine = scene.engine('eu');
    engine.fault({ rpc: 'Apply', action: { kind: 'error_before', status: 'UNAVAILABLE' } });
    engine.fault({ rpc: 'Apply', action: { kind: 'error_before', status: 'FAILED_PRECONDITION' } });
    const retried = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(operationOf(retried, 'eu')).toMatchObject({ state: 'completed', attempt: 1 });
    expect(attemptsOf(keysSent(scene, 'eu').slice(sentBefore))).toEqual(['0', '0', '1']);
    expect(executions(scene, 'eu')).toEqual([1]);
  });

  it('is found on a retry while it is parked, and permitted like any other', async () => {
    const { scene, input, result } = await unconfirmedDispatch(
      { kind: 'error_after', status: 'INTERNAL' },
      {},
      'always',
    );
    await scene.engine('eu').ledger.waitFor((entry) => entry.kind === 'effect' && entry.effect === 'parked');
    const retried = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(summary(retried)).toBe('eu=completed us=completed');
    expect(scene.engine('eu').ledger.calls({ rpc: 'Cutover' }).length).toBe(1);
    expect(executions(scene, 'eu')).toEqual([1]);
  });

  it('in a running apply is settled by its old key when it is retried', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('us').script('us', HOLDS);
    const fault = scene
      .engine('eu')
      .fault({ rpc: 'Apply', times: ALWAYS, action: { kind: 'error_after', status: 'INTERNAL' } });
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'continue', maxConcurrency: 2 } }));
    const view = await untilView(handle, ({ operations }) => operations[0]?.outcome !== null);
    expect(view.operations[0]?.outcome).toMatchObject({ state: 'failed', dispatch: 'unconfirmed' });
    fault.remove();
    expect(await send(handle, CONTROL_UPDATES.retry, { deployments: ['eu'] })).toMatchObject({ answer: 'accepted' });
    await untilView(handle, ({ operations }) => operations[0]?.outcome?.state === 'completed');
    scene.engine('us').completeApply('us');
    const result = await resultOf(handle);
    expect(operationOf(result, 'eu')).toMatchObject({ attempt: 0, resolvedBy: 'lookup' });
    expect(executions(scene, 'eu')).toEqual([1]);
  });

  it('that was accepted without an id is settled by its key on a retry as well', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').fault({ rpc: 'Apply', action: { kind: 'rewrite', rewrite: () => ({ applyId: '' }) } });
    const input = await scene.input();
    const result = await resultOf(await scene.start(input));
    expect(summary(result)).toBe('eu=failed');
    const retried = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(operationOf(retried, 'eu')).toMatchObject({ state: 'completed', attempt: 0, resolvedBy: 'lookup' });
    expect(executions(scene, 'eu')).toEqual([1]);
  });
});

describe('a refusal', () => {
  it('because the database is busy fails the operation and names the holder; it is sent once', async () => {
    const scene = await stage.scene(['eu']);
    const input = await scene.input();
    const holder = await occupy(scene, 'eu');
    const result = await resultOf(await scene.start(input));
    const eu = operationOf(result, 'eu');
    expect(eu).toMatchObject({ state: 'failed', confirmed: true, dispatch: 'none', remoteApplyId: null });
    expect(eu.message).toContain('schema change already in progress');
    expect(eu.message).toContain(`held by remote apply ${holder}, running, of somebody else`);
    expect(keysSent(scene, 'eu').length).toBe(2);
    expect(scene.engine('eu').ledger.calls({ rpc: ['Stop', 'Cancel', 'Progress'] })).toEqual([]);
  });

  it('because it is busy, given as an error by a limited engine, is waited out', async () => {
    const scene = await stage.scene(['eu'], { dialect: 'limited' });
    const input = await scene.input();
    await occupy(scene, 'eu');
    const again = scene.engine('eu').fault({ rpc: 'Apply', nth: 2, action: { kind: 'hold_before' } });
    const handle = await scene.start(input);
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Apply', outcome: 'INTERNAL' });
    scene.engine('eu').completeApply('eu');
    again.release();
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=completed');
    expect(operationOf(result, 'eu').remoteOperationId).toBeNull();
  });

  it('because a change is unsafe says how to allow it, and with that it runs', async () => {
    const scene = await stage.scene(['eu', 'us']);
    const schemaFiles = { public: { 'orders.sql': '-- unsafe: it rewrites\nCREATE TABLE orders (id bigint);' } };
    const input = await scene.input({ schemaFiles });
    const result = await resultOf(await scene.start(input));
    expect(summary(result)).toBe('eu=failed us=stopped');
    expect(operationOf(result, 'eu').message).toContain('retry with allow_unsafe=true');
    const allowed = await scene.start({ ...input, allowUnsafe: true }, `allowed-${scene.database}`);
    expect(summary(await resultOf(allowed))).toBe('eu=completed us=completed');
  });

  it('because the engine speaks the old dialect sends it nothing at all', async () => {
    const scene = await stage.scene(['us', 'eu'], { dialects: { eu: 'old' } });
    const planned = await scene.input({ deployments: ['us'] });
    const input = withDeployment(planned, 'eu');
    const result = await resultOf(await scene.start(input));
    expect(summary(result)).toBe('us=completed eu=failed');
    const eu = operationOf(result, 'eu');
    expect(eu).toMatchObject({ started: false, startedAt: null, confirmed: true });
    expect(eu.message).toContain('old dialect');
    expect(scene.engine('eu').ledger.calls({ rpc: ['Apply', 'Progress', 'Stop', 'Cancel', 'Start'] })).toEqual([]);
    expect(scene.engine('eu').ledger.effects()).toEqual([]);
  });
});

describe('a plan that the engine does not know any more', () => {
  it('is made anew from what is sent along, and runs', async () => {
    const scene = await stage.scene(['eu']);
    const input = await scene.input();
    scene.engine('eu').forgetPlans();
    expect(summary(await resultOf(await scene.start(input)))).toBe('eu=completed');
    expect(keysSent(scene, 'eu').length).toBe(1);
  });

  it('and no longer matches the live schema fails with the text of the engine, and nothing ran', async () => {
    const scene = await stage.scene(['eu', 'us']);
    const input = await scene.input();
    scene.engine('eu').forgetPlans();
    scene.engine('eu').changeLiveSchema('eu', ['CREATE TABLE orders (id bigint, extra text)']);
    const result = await resultOf(await scene.start(input));
    expect(summary(result)).toBe('eu=failed us=stopped');
    expect(operationOf(result, 'eu').message).toContain('local schema has drifted from the reviewed plan');
    expect(scene.engine('eu').ledger.effects()).toEqual([]);
  });
});

/** An apply whose first dispatch met nothing but this fault until it was given up; the engine is well again. */
async function unconfirmedDispatch(
  action: FaultAction,
  options: { readonly lookup?: boolean } = {},
  parks: 'when_asked' | 'always' = 'when_asked',
) {
  const scene = await stage.scene(['eu', 'us'], options);
  scene.engine('eu').script('eu', { parks });
  const fault = scene.engine('eu').fault({ rpc: 'Apply', times: ALWAYS, action });
  const input = await scene.input();
  const result = await resultOf(await scene.start(input));
  expect(fault.hits).toBeGreaterThan(1);
  expect(new Set(keysSent(scene, 'eu')).size).toBe(1);
  fault.remove();
  return { scene, input, result };
}

/** Somebody else's schema change on the target of a deployment; gives its remote apply id. */
async function occupy(scene: Scene, deployment: string): Promise<string> {
  scene.engine(deployment).script(deployment, HOLDS);
  const engines = createEngines(scene.addresses);
  const engine = engines.engineFor(deployment);
  const request = {
    database: scene.database,
    type: 'postgres',
    environment: 'test',
    target: deployment,
    schemaFiles: { public: { 'customers.sql': 'CREATE TABLE customers (id bigint);' } },
  };
  const { planId, changes } = await engine.plan(request);
  const dispatch = { ...request, planId, changes, allowUnsafe: false, deferCutover: false };
  const answer = await engine.apply({ ...dispatch, idempotencyKey: 'somebody/else', caller: 'somebody else' });
  engines.close();
  if (answer.kind !== 'accepted') throw new Error(answer.message);
  scene.engine(deployment).script(deployment, {});
  return answer.remoteApplyId;
}

/** Adds a deployment that cannot be planned, with the plan of the first. */
function withDeployment(input: ApplyInput, name: string): ApplyInput {
  const [first] = input.plan.deployments;
  if (first === undefined) throw new Error('the input has no plan');
  return {
    ...input,
    spec: { ...input.spec, deployments: [...input.spec.deployments, { name, target: name, queue: 'skein' }] },
    plan: {
      ...input.plan,
      schemaFiles: SCHEMA,
      deployments: [...input.plan.deployments, { ...first, deployment: name }],
    },
  };
}
