import { describe, expect, it } from 'vitest';
import { State } from '../../proto/gen/tern.js';
import { CONTROL_UPDATES } from '../../workflows/messages.js';
import { lineOf, send, startNextRun, untilStatus } from '../support/controls.js';
import { type Scene, openStage, operationOf, resultOf, summary, untilView } from '../support/stage.js';

const stage = await openStage({ timings: { verifyAgainMs: 100, missingAgainMs: 100, startGraceMs: 1_500 } });

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;
const ALWAYS = Number.POSITIVE_INFINITY;
const RETRY_ALL = { control: 'retry', deployments: [], release: false, skip: [] } as const;
const TABLE = 'CREATE TABLE orders (id bigint)';

function applyCalls(scene: Scene, deployment: string): number {
  return scene.engine(deployment).ledger.calls({ rpc: 'Apply' }).length;
}

describe('an engine that reports completed without having done it', () => {
  it('is caught: the operation fails and says what is still missing, and nothing else starts', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', { effect: 'never' });
    const result = await resultOf(await scene.start(await scene.input()));
    expect(summary(result)).toBe('eu=failed us=stopped');
    const { remoteApplyId, message } = operationOf(result, 'eu');
    expect(message).toContain(`the engine reported completed, but ${TABLE} is still missing`);
    expect(message).toContain(`[deployment eu, remote apply ${remoteApplyId}, attempt 0]`);
    expect(result.message).toContain('eu: the engine reported completed');
    // Read twice, because an engine may lag behind its own writes.
    expect(scene.engine('eu').ledger.calls({ rpc: 'PlanDiff' }).length).toBe(2);
    expect(applyCalls(scene, 'us')).toBe(0);
  });

  it('and only lags behind is believed at the second reading', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { effect: 'never' });
    const second = scene.engine('eu').fault({ rpc: 'PlanDiff', nth: 2, action: { kind: 'hold_before' } });
    const handle = await scene.start(await scene.input());
    await scene.engine('eu').ledger.waitForCall({ rpc: 'PlanDiff', nth: 2 });
    scene.engine('eu').changeLiveSchema('eu', [TABLE]);
    second.release();
    expect(summary(await resultOf(handle))).toBe('eu=completed');
  });

  it('is believed when the verification is turned off', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { effect: 'never' });
    const result = await resultOf(await scene.start(await scene.input({ verify: false })));
    expect(summary(result)).toBe('eu=completed');
    expect(scene.engine('eu').ledger.calls({ rpc: 'PlanDiff' })).toEqual([]);
  });
});

describe('an engine that reports failed although it did it', () => {
  it('fails the operation and says that the change is there; a retry verifies and completes without a new attempt', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', { end: 'failed', effect: 'always', message: 'lost the connection' });
    const input = await scene.input();
    const result = await resultOf(await scene.start(input));
    expect(summary(result)).toBe('eu=failed us=stopped');
    const failed = operationOf(result, 'eu');
    expect(failed).toMatchObject({ changeInPlace: true, confirmed: true });
    expect(failed.message).toContain('lost the connection');
    expect(failed.message).toContain('The change is there although the engine says failed');
    const retried = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(summary(retried)).toBe('eu=completed us=completed');
    expect(operationOf(retried, 'eu').message).toBe('the change was in place already');
    expect(applyCalls(scene, 'eu')).toBe(1);
    expect([...scene.engine('eu').ledger.executionsPerKey().values()]).toEqual([1]);
  });

  it('is verified first by a retry in a running apply too', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', { end: 'failed', effect: 'always' });
    scene.engine('us').script('us', HOLDS);
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'continue', maxConcurrency: 2 } }));
    await untilView(handle, ({ operations }) => operations[0]?.outcome?.changeInPlace === true);
    await send(handle, CONTROL_UPDATES.retry, { deployments: ['eu'] });
    await untilView(handle, ({ operations }) => operations[0]?.outcome?.state === 'completed');
    scene.engine('us').completeApply('us');
    expect(summary(await resultOf(handle))).toBe('eu=completed us=completed');
    expect(applyCalls(scene, 'eu')).toBe(1);
  });

  it('is attempted anew by a retry when the change has gone again', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { end: 'failed', effect: 'always' });
    const input = await scene.input();
    const result = await resultOf(await scene.start(input));
    expect(operationOf(result, 'eu').changeInPlace).toBe(true);
    scene.engine('eu').liveSchema('eu').clear();
    scene.engine('eu').script('eu', {});
    const retried = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(operationOf(retried, 'eu')).toMatchObject({ state: 'completed', attempt: 1 });
    expect(applyCalls(scene, 'eu')).toBe(2);
  });

  it('and a real failure is told apart: the message is the engine’s and nothing is said to be there', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { end: 'failed', message: 'duplicate key value' });
    const failed = operationOf(await resultOf(await scene.start(await scene.input())), 'eu');
    expect(failed).toMatchObject({ changeInPlace: false });
    expect(failed.message).toMatch(/^duplicate key value \[deployment eu, remote apply apply-\w+, attempt 0\]$/);
  });

  it('and gives no reason on any level is shown with what there is', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { end: 'failed', message: '' });
    const failed = operationOf(await resultOf(await scene.start(await scene.input())), 'eu');
    expect(failed.message).toContain('the engine gave no reason; failed: public.orders');
  });
});

describe('a verification that cannot be read', () => {
  it('leaves a completion running, in phase verifying, until it can', async () => {
    const scene = await stage.scene(['eu', 'us']);
    const fault = scene.engine('eu').fault({
      rpc: 'PlanDiff',
      times: ALWAYS,
      action: { kind: 'error_before', status: 'INTERNAL', message: 'catalogue is locked' },
    });
    const handle = await scene.start(await scene.input());
    const status = await untilStatus(
      scene.client,
      handle.workflowId,
      (now) => lineOf(now, 'eu').phase === 'verifying' && fault.hits > 1,
    );
    expect(lineOf(status, 'eu')).toMatchObject({
      state: 'running',
      waitingOn: expect.stringContaining('catalogue is locked'),
    });
    expect(applyCalls(scene, 'us')).toBe(0);
    fault.remove();
    expect(summary(await resultOf(handle))).toBe('eu=completed us=completed');
  });

  it('because the answer has problems in it is no verification either', async () => {
    const scene = await stage.scene(['eu']);
    const fault = scene.engine('eu').fault({
      rpc: 'PlanDiff',
      times: 2,
      action: { kind: 'rewrite', rewrite: () => ({ changes: [], errors: ['cannot parse orders.sql'] }) },
    });
    scene.engine('eu').script('eu', { effect: 'never' });
    const result = await resultOf(await scene.start(await scene.input()));
    expect(fault.hits).toBe(2);
    expect(operationOf(result, 'eu').message).toContain('is still missing');
  });

  it('does not hide a failure: it is recorded, and that the diff could not be read', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { end: 'failed', message: 'duplicate key value' });
    const fault = scene
      .engine('eu')
      .fault({ rpc: 'PlanDiff', times: ALWAYS, action: { kind: 'error_before', status: 'INTERNAL' } });
    const failed = operationOf(await resultOf(await scene.start(await scene.input())), 'eu');
    expect(fault.hits).toBe(3);
    expect(failed).toMatchObject({ state: 'failed', changeInPlace: false });
    expect(failed.message).toContain('duplicate key value');
    expect(failed.message).toContain('the diff could not be read');
  });
});

describe('drift beside the plan', () => {
  it('is shown and fails nothing', async () => {
    const scene = await stage.scene(['eu', 'us']);
    const input = await scene.input();
    scene.engine('eu').changeLiveSchema('eu', ['CREATE TABLE left_behind (id bigint)']);
    const result = await resultOf(await scene.start(input));
    expect(summary(result)).toBe('eu=completed us=completed');
    expect(operationOf(result, 'eu').drift).toEqual(['DROP TABLE left_behind']);
    expect(operationOf(result, 'us').drift).toEqual([]);
  });
});

describe('a remote apply that its engine does not know any more', () => {
  it.each(['full', 'limited'] as const)('fails unconfirmed and never completes (%s dialect)', async (dialect) => {
    const scene = await stage.scene(['eu', 'us'], { dialect });
    scene.engine('eu').script('eu', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress' });
    const { remoteApplyId } = scene.engine('eu').applyOn('eu');
    scene.engine('eu').forgetApply('eu');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=failed us=stopped');
    expect(operationOf(result, 'eu')).toMatchObject({ confirmed: false, remoteApplyId, changeInPlace: false });
    expect(operationOf(result, 'eu').message).toContain('does not know this remote apply any more');
    // Asked three times in a row, because an engine may lag behind its own writes.
    expect(
      scene
        .engine('eu')
        .ledger.calls({ rpc: 'Progress' })
        .slice(-3)
        .map((call) => call.outcome),
    ).toEqual(['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND']);
  });

  it('fails unconfirmed when the engine calls it no active change', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', HOLDS);
    scene.engine('eu').fault({
      rpc: 'Progress',
      nth: 2,
      times: ALWAYS,
      action: { kind: 'rewrite', rewrite: () => ({ state: State.STATE_NO_ACTIVE_CHANGE, tables: [] }) },
    });
    const result = await resultOf(await scene.start(await scene.input()));
    expect(operationOf(result, 'eu')).toMatchObject({ state: 'failed', confirmed: false });
  });

  it('was only late: one read that does not know it ends nothing', async () => {
    const scene = await stage.scene(['eu']);
    const fault = scene
      .engine('eu')
      .fault({ rpc: 'Progress', times: 2, action: { kind: 'error_before', status: 'NOT_FOUND' } });
    expect(summary(await resultOf(await scene.start(await scene.input())))).toBe('eu=completed');
    expect(fault.hits).toBe(2);
  });

  it('and whose change is there says so, and a retry completes without a new attempt', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', HOLDS);
    const input = await scene.input();
    const handle = await scene.start(input);
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress' });
    scene.engine('eu').changeLiveSchema('eu', [TABLE]);
    scene.engine('eu').forgetApply('eu');
    const result = await resultOf(handle);
    expect(operationOf(result, 'eu')).toMatchObject({ state: 'failed', confirmed: false, changeInPlace: true });
    const retried = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(summary(retried)).toBe('eu=completed');
    expect(applyCalls(scene, 'eu')).toBe(1);
  });
});

describe('states that are no end', () => {
  it('a state that is in no contract is running, visible by its number, and blocks', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', { steps: [{ state: 77, holds: true }] });
    const handle = await scene.start(await scene.input());
    const status = await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'eu').phase !== null);
    expect(lineOf(status, 'eu')).toMatchObject({ state: 'running', phase: 'unknown(77)' });
    expect(status.state).toBe('running');
    expect(applyCalls(scene, 'us')).toBe(0);
    scene.engine('eu').proceed('eu');
    expect(summary(await resultOf(handle))).toBe('eu=completed us=completed');
  });

  it('a retrying engine is a pause: it keeps its slot, fires no policy, and goes on by itself', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', { steps: [{ state: 'STATE_FAILED_RETRYABLE', holds: true }] });
    const handle = await scene.start(await scene.input({ rollout: { onFailure: 'halt' } }));
    const status = await untilStatus(
      scene.client,
      handle.workflowId,
      (now) => lineOf(now, 'eu').state === 'failed_retryable',
    );
    expect(status).toMatchObject({ state: 'failed_retryable', waitingFor: null });
    expect(lineOf(status, 'us').state).toBe('pending');
    scene.engine('eu').proceed('eu');
    expect(summary(await resultOf(handle))).toBe('eu=completed us=completed');
  });

  it('a failure while a table still retries is that pause, on an engine that cannot say it otherwise', async () => {
    const scene = await stage.scene(['eu'], { dialect: 'limited' });
    scene.engine('eu').script('eu', { steps: [{ state: 'STATE_FAILED_RETRYABLE', polls: 3 }] });
    const result = await resultOf(await scene.start(await scene.input()));
    expect(summary(result)).toBe('eu=completed');
    expect(scene.engine('eu').ledger.calls({ rpc: 'Progress' }).length).toBeGreaterThan(3);
  });

  it('a state that goes backwards is ignored', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { steps: [{ state: 'STATE_CUTTING_OVER', holds: true }] });
    const handle = await scene.start(await scene.input());
    await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'eu').state === 'cutting_over');
    scene.engine('eu').applyOn('eu').show('STATE_RUNNING');
    const looks = scene.engine('eu').ledger.calls({ rpc: 'Progress' }).length;
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress', nth: looks + 3, outcome: 'answered' });
    const status = await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'eu').progressAt !== null);
    expect(lineOf(status, 'eu').state).toBe('cutting_over');
    scene.engine('eu').completeApply('eu');
    expect(summary(await resultOf(handle))).toBe('eu=completed');
  });

  it('an engine that is away in mid-watch is flagged, keeps its slot, and is followed again when it answers', async () => {
    const scene = await stage.scene(['eu', 'us'], { patience: { connectTimeoutMs: 300 } });
    scene
      .engine('eu')
      .script('eu', { steps: [{ state: 'STATE_RUNNING', holds: true, rows: { copied: 40, total: 100 } }] });
    const handle = await scene.start(await scene.input());
    await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'eu').progress?.percent === 40);
    await scene.engine('eu').pause();
    const away = await untilStatus(
      scene.client,
      handle.workflowId,
      (now) => lineOf(now, 'eu').unreachableSince !== null,
    );
    expect(lineOf(away, 'eu')).toMatchObject({ state: 'running', progress: { percent: 40 } });
    expect(away.waitingFor).toMatchObject({
      for: 'engine',
      commands: [expect.stringContaining('--unconfirmed'), expect.any(String)],
    });
    expect(applyCalls(scene, 'us')).toBe(0);
    await scene.engine('eu').resume();
    const back = await untilStatus(
      scene.client,
      handle.workflowId,
      (now) => lineOf(now, 'eu').unreachableSince === null,
    );
    expect(lineOf(back, 'eu').message).toBe('');
    scene.engine('eu').completeApply('eu');
    expect(summary(await resultOf(handle))).toBe('eu=completed us=completed');
  });
});

describe('what somebody else ends on the engine', () => {
  it.each(['stopped', 'cancelled'] as const)('is %s for the reason engine, and a setback', async (state) => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress' });
    if (state === 'stopped') scene.engine('eu').applyOn('eu').halt();
    else scene.engine('eu').applyOn('eu').end('cancelled');
    const result = await resultOf(handle);
    expect(summary(result)).toBe(`eu=${state} us=stopped`);
    expect(operationOf(result, 'eu').reason).toBe('engine');
    expect(operationOf(result, 'us').reason).toBe('policy');
  });
});

describe('after a Start', () => {
  it('stale samples that still say stopped are not believed', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { ...HOLDS, staleStoppedPolls: 4 });
    const input = await scene.input();
    const handle = await scene.start(input);
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress' });
    await handle.signal('stop');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=stopped');
    const again = await startNextRun(scene.client, { input, result }, { control: 'start', release: false, skip: [] });
    const { ledger } = scene.engine('eu');
    const start = await ledger.waitForCall({ rpc: 'Start', outcome: 'accepted' });
    await ledger.until(() => ledger.calls({ rpc: 'Progress' }).filter((call) => call.sequence > start.sequence)[5]);
    scene.engine('eu').completeApply('eu');
    expect(summary(await resultOf(again))).toBe('eu=completed');
    expect(ledger.calls({ rpc: 'Start' }).length).toBe(1);
  });

  it('stopped is believed once the grace has passed', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { ...HOLDS, staleStoppedPolls: ALWAYS });
    const input = await scene.input();
    const handle = await scene.start(input);
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress' });
    await handle.signal('stop');
    const result = await resultOf(handle);
    const again = await startNextRun(scene.client, { input, result }, { control: 'start', release: false, skip: [] });
    const ended = await resultOf(again);
    expect(operationOf(ended, 'eu')).toMatchObject({ state: 'stopped', reason: 'engine' });
  });
});
