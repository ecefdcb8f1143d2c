import { describe, expect, it } from 'vitest';
import { SkeinClient } from '../../client/index.js';
import { State } from '../../proto/gen/tern.js';
import { CONTROL_SIGNALS, CONTROL_UPDATES } from '../../workflows/messages.js';
import { failureOf, lineOf, resetApply, send, startNextRun, untilStatus } from '../support/controls.js';
import type { LedgerCall, LedgerEntry, Rpc } from '../support/scripted-engine.js';
import { type Scene, openStage, operationOf, resultOf, summary, untilView } from '../support/stage.js';
import { until } from '../support/until.js';
import { startWorkerProcess } from '../support/worker-process.js';

const stage = await openStage({ timings: { verifyAgainMs: 100 } });

const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;

/** A process starts slowly on a busy machine, and a dead one is missed after ten seconds. */
const PATIENTLY_MS = 60_000;

/** Calls that name a remote apply. */
const SCOPED: readonly Rpc[] = ['Progress', 'Logs', 'Stop', 'Cancel', 'Start', 'Cutover'];

/** Calls about one remote apply, without the dialect probe, which names one that nobody has. */
function scopedCalls(scene: Scene, deployment: string): readonly LedgerCall[] {
  return scene
    .engine(deployment)
    .ledger.calls({ rpc: SCOPED })
    .filter((call) => call.rpc !== 'Logs');
}

function isExecution(entry: LedgerEntry): boolean {
  return entry.kind === 'effect' && entry.effect === 'executed';
}

function executions(scene: Scene, deployment: string): number[] {
  return [...scene.engine(deployment).ledger.executionsPerKey().values()];
}

describe('several operations', () => {
  it('each have their own remote apply id, and every call carries the id of its own operation', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const scene = await stage.scene(names, { oneEngine: true });
    const engine = scene.engine('a');
    for (const name of names) engine.script(name, HOLDS);
    engine.script('b', { steps: [{ state: 'STATE_RUNNING', polls: 3 }] });
    const input = await scene.input({ rollout: { maxConcurrency: 4 } });
    const handle = await scene.start(input);
    await untilView(handle, ({ operations }) => operations[1]?.outcome !== null);
    for (const name of names) await engine.ledger.waitForCall({ rpc: 'Progress', target: name });
    engine.completeApply('d');
    await untilView(handle, ({ operations }) => operations[3]?.outcome !== null);
    await handle.signal(CONTROL_SIGNALS.stop);
    const stopped = await resultOf(handle);
    expect(summary(stopped)).toBe('a=stopped b=completed c=stopped d=completed');
    const again = await startNextRun(
      scene.client,
      { input, result: stopped },
      { control: 'start', release: false, skip: [] },
    );
    for (const name of ['a', 'c']) await engine.ledger.waitForCall({ rpc: 'Start', target: name });
    engine.completeApply('a');
    await untilView(again, ({ operations }) => operations[0]?.outcome !== null);
    await send(again, CONTROL_UPDATES.cancel);
    const result = await resultOf(again);
    expect(summary(result)).toBe('a=completed b=completed c=cancelled d=completed');

    const ids = names.map((name) => operationOf(result, name).remoteApplyId);
    expect(new Set(ids).size).toBe(4);
    const sent = scopedCalls(scene, 'a');
    expect(new Set(sent.map((call) => call.rpc))).toEqual(new Set(['Progress', 'Stop', 'Start', 'Cancel']));
    for (const call of sent) {
      // The ledger's target is that of the apply whose id the call carries.
      expect(call.remoteApplyId).toBe(operationOf(result, call.target).remoteApplyId);
      if (call.operationId !== '') expect(call.operationId).toBe(operationOf(result, call.target).remoteOperationId);
    }
    for (const rpc of ['Stop', 'Start'] as const) {
      expect(new Set(engine.ledger.calls({ rpc }).map((call) => call.target))).toEqual(new Set(['a', 'c']));
    }
    expect(new Set(engine.ledger.calls({ rpc: 'Cancel' }).map((call) => call.target))).toEqual(new Set(['c']));
    expect(executions(scene, 'a')).toEqual([1, 1, 1, 1]);
  });

  it('a first dispatch has no id and is not ambiguous: nothing is looked up before it, and it is sent once', async () => {
    const scene = await stage.scene(['eu']);
    const result = await resultOf(await scene.start(await scene.input()));
    expect(operationOf(result, 'eu')).toMatchObject({ state: 'completed', dispatch: 'confirmed', resolvedBy: null });
    const { ledger } = scene.engine('eu');
    expect(ledger.calls({ rpc: 'FindApply' })).toEqual([]);
    expect(ledger.calls({ rpc: 'Apply' }).map((call) => call.outcome)).toEqual(['accepted']);
  });
});

describe('a worker killed', () => {
  it('after the acceptance, after the id was recorded and in mid-watch resumes those exact remote applies', {
    timeout: 120_000,
  }, async () => {
    const scene = await stage.scene(['accepted', 'recorded', 'watched'], { worker: false });
    for (const name of ['accepted', 'recorded', 'watched']) scene.engine(name).script(name, HOLDS);
    const reply = scene.engine('accepted').fault({ rpc: 'Apply', action: { kind: 'hold_after' } });
    const firstLook = scene.engine('recorded').fault({ rpc: 'Progress', action: { kind: 'hold_before' } });
    const input = await scene.input({ rollout: { maxConcurrency: 3 } });
    const first = await startWorkerProcess({ temporalAddress: stage.address, deployments: scene.addresses });
    const handle = await scene.start(input);
    await scene.engine('accepted').ledger.waitFor(isExecution, PATIENTLY_MS);
    await scene.engine('recorded').ledger.waitForCall({ rpc: 'Progress' }, PATIENTLY_MS);
    await scene.engine('watched').ledger.waitForCall({ rpc: 'Progress', nth: 3, outcome: 'answered' }, PATIENTLY_MS);
    const ids = new Map(
      input.spec.deployments.map(({ name }) => [name, scene.engine(name).applyOn(name).remoteApplyId]),
    );
    await first.kill();
    reply.release();
    firstLook.release();
    const looksBefore = scene.engine('watched').ledger.calls({ rpc: 'Progress' }).length;
    await startWorkerProcess({ temporalAddress: stage.address, deployments: scene.addresses });
    for (const name of ['accepted', 'recorded', 'watched']) {
      const { ledger } = scene.engine(name);
      const looks = name === 'watched' ? looksBefore : ledger.calls({ rpc: 'Progress' }).length;
      await ledger.waitForCall({ rpc: 'Progress', nth: looks + 1, outcome: 'answered' }, PATIENTLY_MS);
      scene.engine(name).completeApply(name);
    }
    const result = await resultOf(handle);
    expect(summary(result)).toBe('accepted=completed recorded=completed watched=completed');
    for (const [name, id] of ids) {
      expect(operationOf(result, name)).toMatchObject({ remoteApplyId: id, attempt: 0 });
      expect(executions(scene, name)).toEqual([1]);
      expect(new Set(scopedCalls(scene, name).map((call) => call.remoteApplyId))).toEqual(new Set([id]));
    }
    expect(scene.engine('accepted').ledger.calls({ rpc: 'Apply' }).length).toBe(2);
    expect(scene.engine('recorded').ledger.calls({ rpc: 'Apply' }).length).toBe(1);
    expect(scene.engine('watched').ledger.calls({ rpc: 'Apply' }).length).toBe(1);
  });

  it('that is stopped in an orderly way hands the watch over without touching the remote apply', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress', nth: 2 });
    await scene.stopWorker();
    await scene.startWorker();
    const looks = scene.engine('eu').ledger.calls({ rpc: 'Progress' }).length;
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress', nth: looks + 1 });
    scene.engine('eu').completeApply('eu');
    expect(summary(await resultOf(handle))).toBe('eu=completed');
    expect(scene.engine('eu').ledger.calls({ rpc: ['Stop', 'Cancel', 'Start'] })).toEqual([]);
    expect(scene.engine('eu').ledger.calls({ rpc: 'Apply' }).length).toBe(1);
  });
});

describe('an answer that cannot be right', () => {
  it.each([
    ['accepted without an id', { applyId: '' }, 'without an apply id'],
    ['another operation key', { operationKey: 'orders/0/t' }, 'operation key'],
  ])('to Apply (%s) is refused with nothing adopted, naming the rule and the ids', async (_what, wrong, says) => {
    const scene = await stage.scene(['eu', 'us']);
    const fault = scene.engine('eu').fault({ rpc: 'Apply', action: { kind: 'rewrite', rewrite: () => wrong } });
    const handle = await scene.start(await scene.input());
    const result = await resultOf(handle);
    expect(fault.hits).toBe(1);
    expect(summary(result)).toBe('eu=failed us=stopped');
    const eu = operationOf(result, 'eu');
    // It may have been accepted all the same, so it is unconfirmed and a retry will settle the key first.
    expect(eu).toMatchObject({ remoteApplyId: null, confirmed: false, dispatch: 'unconfirmed', started: true });
    expect(eu.message).toContain(says);
    expect(eu.message).toContain('[deployment eu, remote apply none, attempt 0]');
    expect(scopedCalls(scene, 'eu')).toEqual([]);
  });

  it.each([
    ['another id', { applyId: 'apply-of-somebody-else' }],
    ['the operation of another apply', { applyOperationId: '424242' }],
    ['no operation', { applyOperationId: '' }],
  ])('to Progress (about %s) is not believed, is shown, and the watch goes on', async (_what, wrong) => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', HOLDS);
    const fault = scene.engine('eu').fault({
      rpc: 'Progress',
      times: Number.POSITIVE_INFINITY,
      action: { kind: 'rewrite', rewrite: () => ({ state: State.STATE_COMPLETED, ...wrong }) },
    });
    const handle = await scene.start(await scene.input());
    const status = await untilStatus(
      scene.client,
      handle.workflowId,
      (now) => lineOf(now, 'eu').unreachableSince !== null && fault.hits > 3,
    );
    expect(lineOf(status, 'eu')).toMatchObject({
      state: 'running',
      message: expect.stringContaining('breaks the contract'),
    });
    fault.remove();
    await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'eu').unreachableSince === null);
    scene.engine('eu').completeApply('eu');
    expect(summary(await resultOf(handle))).toBe('eu=completed');
  });

  it('to Progress with an empty id is accepted, because an engine may leave it out', async () => {
    const scene = await stage.scene(['eu']);
    const fault = scene.engine('eu').fault({
      rpc: 'Progress',
      times: Number.POSITIVE_INFINITY,
      action: { kind: 'rewrite', rewrite: () => ({ applyId: '' }) },
    });
    expect(summary(await resultOf(await scene.start(await scene.input())))).toBe('eu=completed');
    expect(fault.hits).toBeGreaterThan(0);
  });

  it.each([
    { verify: false, says: 'without tasks' },
    { verify: true, says: 'is still missing' },
  ])('of an operation with no tasks completes nothing (verify: $verify)', async ({ verify, says }) => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { effect: 'never' });
    const fault = scene.engine('eu').fault({
      rpc: 'Progress',
      times: Number.POSITIVE_INFINITY,
      action: { kind: 'rewrite', rewrite: () => ({ tables: [] }) },
    });
    const result = await resultOf(await scene.start(await scene.input({ verify })));
    expect(fault.hits).toBeGreaterThan(0);
    expect(operationOf(result, 'eu')).toMatchObject({ state: 'failed', message: expect.stringContaining(says) });
    expect(operationOf(result, 'eu').message).toContain(operationOf(result, 'eu').remoteApplyId);
  });
});

describe('a deployment that the worker does not know', () => {
  it('waits visibly, and goes on when the worker knows it', async () => {
    const scene = await stage.scene(['eu', 'us'], { unknown: ['eu'] });
    const handle = await scene.start(await scene.input());
    const status = await untilStatus(
      scene.client,
      handle.workflowId,
      (now) => lineOf(now, 'eu').unreachableSince !== null,
    );
    expect(lineOf(status, 'eu')).toMatchObject({
      state: 'dispatching',
      message: expect.stringContaining("this worker's configuration does not name it"),
      next: expect.stringContaining('skip'),
    });
    expect(scene.engine('us').ledger.calls({ rpc: 'Apply' })).toEqual([]);
    scene.makeKnown();
    expect(summary(await resultOf(handle))).toBe('eu=completed us=completed');
    expect(executions(scene, 'eu')).toEqual([1]);
  });

  it('that an earlier worker may have dispatched is kept by a stop until it can be asked', async () => {
    const scene = await stage.scene(['eu', 'us'], { unknown: ['eu'] });
    const handle = await scene.start(await scene.input());
    await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'eu').unreachableSince !== null);
    // Only the first attempt of the activity can say that nothing was sent.
    await scene.stopWorker();
    await scene.startWorker();
    await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'eu').unreachableSince !== null);
    await handle.signal(CONTROL_SIGNALS.stop);
    const status = await untilStatus(
      scene.client,
      handle.workflowId,
      (now) => lineOf(now, 'us').state === 'stopped' && now.waitingFor?.for === 'engine',
    );
    expect(status.state).toBe('stopping');
    scene.makeKnown();
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=stopped us=stopped');
    expect(operationOf(result, 'eu')).toMatchObject({ started: false, resolvedBy: 'lookup' });
    expect(scene.engine('eu').ledger.calls({ rpc: 'Apply' })).toEqual([]);
  });

  it('is ended by a stop without a call to any engine', async () => {
    const scene = await stage.scene(['eu', 'us'], { unknown: ['eu'] });
    const handle = await scene.start(await scene.input());
    await untilStatus(scene.client, handle.workflowId, (now) => lineOf(now, 'eu').unreachableSince !== null);
    await handle.signal(CONTROL_SIGNALS.stop);
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=stopped us=stopped');
    expect(operationOf(result, 'eu')).toMatchObject({ started: false, startedAt: null, confirmed: true });
    expect(scene.engine('eu').ledger.calls({ rpc: 'Apply' })).toEqual([]);
  });
});

describe('a lost operation', () => {
  it('that was terminated in mid-watch is picked up by its key: one remote apply, and the parent completes', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress' });
    const { remoteApplyId } = scene.engine('eu').applyOn('eu');
    await scene.operation('eu').terminate('by mistake');
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Apply', nth: 2, outcome: 'accepted' });
    scene.engine('eu').completeApply('eu');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=completed us=completed');
    expect(operationOf(result, 'eu')).toMatchObject({ attempt: 0, remoteApplyId });
    expect(executions(scene, 'eu')).toEqual([1]);
  });

  it('that was terminated before it was admitted is started again and waits for its turn', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress' });
    const first = await scene.operation('us').describe();
    await scene.operation('us').terminate('by mistake');
    await until(async () => {
      const now = await scene.operation('us').describe();
      return now.runId !== first.runId && now.status.name === 'RUNNING';
    });
    expect(scene.engine('us').ledger.calls({ rpc: 'Apply' })).toEqual([]);
    scene.engine('eu').completeApply('eu');
    expect(summary(await resultOf(handle))).toBe('eu=completed us=completed');
    expect(executions(scene, 'us')).toEqual([1]);
  });

  it('that was terminated while it was parked with a permission is permitted anew', async () => {
    const scene = await stage.scene(['eu']);
    scene.engine('eu').script('eu', { parks: 'always', cutover: 'never_lands' });
    const handle = await scene.start(await scene.input());
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Cutover', outcome: 'accepted' });
    await scene.operation('eu').terminate('by mistake');
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Apply', nth: 2, outcome: 'accepted' });
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Cutover', nth: 2, outcome: 'accepted' });
    scene.engine('eu').completeApply('eu');
    expect(summary(await resultOf(handle))).toBe('eu=completed');
    expect(executions(scene, 'eu')).toEqual([1]);
  });

  it('whose parent is reset to its beginning is taken over: no second remote apply', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress' });
    const { remoteApplyId } = scene.engine('eu').applyOn('eu');
    const again = await resetApply(scene.client, handle.workflowId, 'first');
    const { ledger } = scene.engine('eu');
    await ledger.waitForCall({ rpc: 'Start', outcome: 'accepted' });
    scene.engine('eu').completeApply('eu');
    const result = await resultOf(again);
    expect(summary(result)).toBe('eu=completed us=completed');
    expect(operationOf(result, 'eu')).toMatchObject({ remoteApplyId, attempt: 0 });
    expect(executions(scene, 'eu')).toEqual([1]);
  });
});

describe('a lost operation of an apply that is being stopped', () => {
  it('is started again only to be found by its key and stopped: nothing new runs', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', { ...HOLDS, stop: 'on_release' });
    const handle = await scene.start(await scene.input());
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress' });
    const { remoteApplyId } = scene.engine('eu').applyOn('eu');
    await handle.signal(CONTROL_SIGNALS.stop);
    const { ledger } = scene.engine('eu');
    await ledger.waitForCall({ rpc: 'Stop', outcome: 'accepted' });
    await scene.operation('eu').terminate('by mistake');
    await ledger.waitForCall({ rpc: 'Stop', nth: 2 });
    scene.engine('eu').landStop('eu');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=stopped us=stopped');
    expect(operationOf(result, 'eu')).toMatchObject({ remoteApplyId, started: true, confirmed: true });
    expect(executions(scene, 'eu')).toEqual([1]);
    expect(ledger.forwardCallsAfterStop()).toEqual([]);
  });
});

describe('an apply that is reset in the middle', () => {
  it('goes on with what its operations come to, and admits the next', async () => {
    const { scene, handle } = await resetInTheMiddle();
    scene.engine('eu').completeApply('eu');
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=completed us=completed');
    expect(executions(scene, 'eu')).toEqual([1]);
    expect(executions(scene, 'us')).toEqual([1]);
    expect(scene.engine('eu').ledger.calls({ rpc: ['Stop', 'Start'] })).toEqual([]);
  });

  it('is stopped like any other', async () => {
    const { scene, handle } = await resetInTheMiddle();
    await handle.signal(CONTROL_SIGNALS.stop);
    const result = await resultOf(handle);
    expect(summary(result)).toBe('eu=stopped us=stopped');
    expect(operationOf(result, 'eu')).toMatchObject({ started: true, confirmed: true });
    expect(scene.engine('us').ledger.calls({ rpc: 'Apply' })).toEqual([]);
  });
});

describe('two applies on one target', () => {
  it('the second is refused before it dispatched anything, names the holder, and gives its other targets back', async () => {
    const scene = await stage.scene(['eu', 'us']);
    scene.engine('eu').script('eu', HOLDS);
    const first = await scene.start(await scene.input({ deployments: ['eu'] }), 'holder');
    await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress' });
    const second = await scene.start(
      await scene.input({ deployments: ['us', 'eu'], rollout: { maxConcurrency: 2 } }),
      'latecomer',
    );
    const failure = await failureOf(second);
    expect(failure.type).toBe('TargetHeld');
    expect(failure.message).toContain('another apply holds eu (target eu) by holder');
    expect(failure.details?.[0]).toMatchObject([{ deployment: 'eu', target: 'eu', holderApplyId: 'holder' }]);
    expect(scene.engine('us').ledger.calls({ rpc: 'Apply' })).toEqual([]);
    expect(scene.engine('eu').ledger.calls({ rpc: 'Apply' }).length).toBe(1);
    const child = await scene.operation('us').describe();
    expect(child.status.name).not.toBe('RUNNING');

    const third = await scene.start(await scene.input({ deployments: ['us'] }), 'third');
    expect(summary(await resultOf(third))).toBe('us=completed');
    scene.engine('eu').completeApply('eu');
    expect(summary(await resultOf(first))).toBe('eu=completed');
    const fourth = await scene.start(await scene.input({ deployments: ['eu'] }), 'fourth');
    expect(summary(await resultOf(fourth))).toBe('eu=completed');
  });
});

describe('a terminated apply', () => {
  it('is started again: its own former operations are no conflict, and their remote apply goes on', async () => {
    const scene = await stage.scene(['eu', 'us', 'ap']);
    scene.engine('us').script('us', HOLDS);
    const handle = await scene.start(await scene.input());
    await scene.engine('us').ledger.waitForCall({ rpc: 'Progress' });
    const { remoteApplyId } = scene.engine('us').applyOn('us');
    const applied = scene.engine('eu').ledger.calls({ rpc: 'Apply' }).length;
    await handle.terminate('the control plane went away');
    const skein = new SkeinClient(scene.client, { caller: 'tester' });
    await untilStatus(scene.client, handle.workflowId, (status) => status.interrupted === 'terminated');
    await skein.start(handle.workflowId);
    await scene.engine('us').ledger.waitForCall({ rpc: 'Start', outcome: 'accepted' });
    scene.engine('us').completeApply('us');
    const result = await resultOf(scene.client.workflow.getHandle(handle.workflowId));
    expect(summary(result)).toBe('eu=completed us=completed ap=completed');
    expect(operationOf(result, 'us')).toMatchObject({ remoteApplyId, attempt: 0 });
    expect(executions(scene, 'us')).toEqual([1]);
    expect(scene.engine('eu').ledger.calls({ rpc: 'Apply' }).length).toBe(applied);
  });
});

describe('an apply of many deployments', () => {
  it('reserves 120 targets in batches and completes, one execution each', { timeout: 180_000 }, async () => {
    const names = Array.from({ length: 120 }, (_, index) => `d${index + 1}`);
    const scene = await stage.scene(names, { oneEngine: true });
    const handle = await scene.start(await scene.input({ rollout: { maxConcurrency: 120 } }));
    const result = await resultOf(handle);
    expect(result.state).toBe('completed');
    expect(result.operations.map((operation) => operation.deployment)).toEqual(names);
    expect(executions(scene, 'd1')).toEqual(names.map(() => 1));
    const { events } = await handle.fetchHistory();
    const startsByTask = new Map<string, number>();
    for (const event of events ?? []) {
      const task = event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowTaskCompletedEventId;
      if (task !== undefined && task !== null)
        startsByTask.set(String(task), (startsByTask.get(String(task)) ?? 0) + 1);
    }
    expect([...startsByTask.values()]).toEqual([100, 20]);
  });
});

/** An apply whose first operation is on its engine, reset to its last workflow task. */
async function resetInTheMiddle() {
  const scene = await stage.scene(['eu', 'us']);
  scene.engine('eu').script('eu', HOLDS);
  const { workflowId } = await scene.start(await scene.input());
  await scene.engine('eu').ledger.waitForCall({ rpc: 'Progress' });
  return { scene, handle: await resetApply(scene.client, workflowId, 'last') };
}
