import { describe, expect, it } from 'vitest';
import type { ApplyInput, ApplyResult, InitialOperation } from '../../domain/apply.js';
import type { OperationOutcome } from '../../domain/operation.js';
import { type Run, openActivations } from '../support/activation.js';

const activations = await openActivations();

const SPEC = { database: 'orders', type: 'postgres', environment: 'test', verify: true, pollIntervalMs: null } as const;

function applyInput(names: readonly string[], rollout: Partial<ApplyInput['spec']['rollout']> = {}): ApplyInput {
  const change = {
    namespace: 'public',
    table: 't',
    ddl: 'ALTER TABLE t ADD c int',
    changeType: 'alter',
    unsafe: false,
    unsafeReason: '',
    blocked: false,
    modeReason: '',
    estimatedRows: null,
  };
  return {
    spec: {
      ...SPEC,
      deployments: names.map((name) => ({ name, target: name, queue: 'skein' })),
      rollout: {
        maxConcurrency: 1,
        onFailure: 'halt',
        failureTolerance: 0,
        cutover: 'rolling',
        inFlight: 'finish',
        waves: [],
        ...rollout,
      },
    },
    specDigest: 'd',
    plan: {
      schemaFiles: {},
      classes: [{ digest: 'abc', changes: [change], lintViolations: [], leftovers: [] }],
      deployments: names.map((deployment) => ({ deployment, planId: `plan-${deployment}`, digest: 'abc' })),
    },
    allowUnsafe: false,
    allowDrift: false,
    caller: 'tester',
    carried: null,
  };
}

const idOf = (name: string) => `test/orders/${name}/${name}`;

function outcome(deployment: string, state: OperationOutcome['state']): OperationOutcome {
  return {
    deployment,
    target: deployment,
    state,
    reason: state === 'stopped' ? 'operator' : null,
    started: state !== 'stopped',
    confirmed: true,
    skipped: false,
    attempt: 0,
    remoteApplyId: null,
    remoteOperationId: null,
    dispatch: 'none',
    resolvedBy: null,
    message: '',
    drift: [],
    changeInPlace: false,
    progress: null,
    startedAt: null,
    completedAt: null,
  };
}

function operationInput(admitted: boolean, initial: Partial<InitialOperation> = {}) {
  return {
    ...SPEC,
    applyId: 'apply-1',
    applyRunId: 'run',
    deployment: 'a',
    target: 'a',
    queue: 'skein',
    planId: 'plan-a',
    planDigest: 'abcdef0123456789',
    allowUnsafe: false,
    allowDrift: false,
    caller: 'tester',
    initial: {
      deployment: 'a',
      ended: null,
      attempt: 0,
      remoteApplyId: null,
      remoteOperationId: null,
      started: false,
      atRest: true,
      startedAt: null,
      unsettled: null,
      verifyFirst: false,
      before: null,
      ...initial,
    },
    admitted,
    halt: null,
  };
}

describe('a stop and the children of an apply', () => {
  it('in the same activation as an admission admits nothing', async () => {
    const run = await activations.run('apply', 'apply-1', applyInput(['a', 'b']));
    await run.activate();
    const admitted = await run.activate(run.childStarted(idOf('a')), run.childStarted(idOf('b')));
    expect(admitted.signalled).toEqual([`admit to ${idOf('a')}`]);
    const stopped = await run.activate(run.signal('stop'), run.childCompleted(idOf('a'), outcome('a', 'completed')));
    expect(stopped.signalled).toContain(`stop to ${idOf('b')}`);
    expect(stopped.signalled).not.toContain(`admit to ${idOf('b')}`);
    const ended = await run.activate(run.childCompleted(idOf('b'), outcome('b', 'stopped')));
    expect((ended.result as ApplyResult).state).toBe('stopped');
  });

  it('in the activation that answers the starts admits nothing', async () => {
    const run = await activations.run('apply', 'apply-2', applyInput(['a', 'b']));
    await run.activate();
    const stopped = await run.activate(run.signal('stop'), run.childStarted(idOf('a')), run.childStarted(idOf('b')));
    expect(stopped.signalled).toEqual([`stop to ${idOf('a')}`, `stop to ${idOf('b')}`]);
  });

  it('before the children exist starts none of them', async () => {
    const run = await activations.run('apply', 'apply-3', applyInput(['a', 'b']));
    const stopped = await run.activate(run.signal('stop'));
    expect(stopped.started).toEqual([]);
    expect((stopped.result as ApplyResult).operations.map((operation) => operation.state)).toEqual([
      'stopped',
      'stopped',
    ]);
  });

  it('after their start was asked for and before it was answered reaches each of them', async () => {
    const run = await activations.run('apply', 'apply-4', applyInput(['a', 'b']));
    await run.activate();
    expect((await run.activate(run.signal('stop'))).signalled).toEqual([]);
    const answered = await run.activate(run.childStarted(idOf('a')), run.childStarted(idOf('b')));
    expect(answered.signalled).toEqual([`stop to ${idOf('a')}`, `stop to ${idOf('b')}`]);
  });

  it('between two batches of them starts no further batch, and all of them end stopped', async () => {
    const names = Array.from({ length: 150 }, (_, index) => `d${index}`);
    const run = await activations.run('apply', 'apply-5', applyInput(names));
    const first = await run.activate();
    expect(first.started).toHaveLength(100);
    const stopped = await run.activate(run.signal('stop'), ...first.started.map((id) => run.childStarted(id)));
    expect(stopped.started).toEqual([]);
    expect(stopped.signalled).toHaveLength(100);
    const ended = await run.activate(
      ...names.slice(0, 100).map((name) => run.childCompleted(idOf(name), outcome(name, 'stopped'))),
    );
    const result = ended.result as ApplyResult;
    expect(result.operations).toHaveLength(150);
    expect(new Set(result.operations.map((operation) => operation.state))).toEqual(new Set(['stopped']));
  });

  it('as a cancellation of the workflow does the same', async () => {
    const run = await activations.run('apply', 'apply-6', applyInput(['a', 'b']));
    await run.activate();
    await run.activate(run.childStarted(idOf('a')), run.childStarted(idOf('b')));
    const stopped = await run.activate(run.cancelled());
    expect(stopped.signalled).toEqual([`stop to ${idOf('a')}`, `stop to ${idOf('b')}`]);
  });
});

describe('a stop and the dispatch of an operation', () => {
  const stoppedAlone = { state: 'stopped', started: false, startedAt: null, completedAt: null, reason: 'operator' };
  const orders: [string, (run: Run) => ReturnType<Run['signal']>[]][] = [
    ['admit first', (run) => [run.signal('admit'), run.signal('stop')]],
    ['stop first', (run) => [run.signal('stop'), run.signal('admit')]],
  ];
  it.each(orders)('together with the admission, %s, schedules nothing', async (_name, jobs) => {
    const run = await activations.run('operation', idOf('a'), operationInput(false));
    await run.activate();
    const activated = await run.activate(...jobs(run));
    expect(activated.scheduled).toEqual([]);
    expect(activated.result).toMatchObject(stoppedAlone);
  });

  it('delivered with the first task of an operation that starts admitted schedules nothing', async () => {
    const run = await activations.run('operation', idOf('a'), operationInput(true));
    const activated = await run.activate(run.signal('stop'));
    expect(activated.scheduled).toEqual([]);
    expect(activated.result).toMatchObject(stoppedAlone);
  });

  it('after the dispatch was scheduled takes it back, and believes "not sent" from its first attempt', async () => {
    const run = await activations.run('operation', idOf('a'), operationInput(true));
    expect((await run.activate()).scheduled).toEqual(['dispatch']);
    expect((await run.activate(run.signal('stop'))).cancelledActivities).toBe(1);
    const ended = await run.activate(run.activityCompleted('dispatch', { kind: 'not_sent', activityAttempt: 1 }));
    expect(ended.result).toMatchObject(stoppedAlone);
  });

  it.each([
    [
      'a later attempt says "not sent"',
      (run: Run) => run.activityCompleted('dispatch', { kind: 'not_sent', activityAttempt: 2 }),
    ],
    ['the dispatch was cancelled without an answer', (run: Run) => run.activityCancelled('dispatch')],
  ])('is not believed to have come in time when %s: the key is asked', async (_name, job) => {
    const run = await activations.run('operation', idOf('a'), operationInput(true));
    await run.activate();
    await run.activate(run.signal('stop'));
    expect((await run.activate(job(run))).scheduled).toEqual(['resolveDispatch']);
    const found = await run.activate(
      run.activityCompleted('resolveDispatch', {
        kind: 'found',
        remoteApplyId: 'apply-x',
        remoteOperationId: null,
        resolvedBy: 'lookup',
      }),
    );
    expect(found.scheduled).toContain('watch');
    expect((await run.activate()).scheduled).toEqual([]);
    const stopped = await run.activate(
      run.activityCompleted('control', { state: 'stopped', message: '', confirmed: true, progress: null }),
    );
    expect(stopped.result).toMatchObject({
      state: 'stopped',
      started: true,
      remoteApplyId: 'apply-x',
      resolvedBy: 'lookup',
    });
  });

  it('of a new attempt that was never sent ends as the old one did, and no engine is asked about it', async () => {
    const before = { ...outcome('a', 'failed'), started: true, message: 'duplicate key' };
    const anew = { attempt: 1, started: true, startedAt: '2026-11-01T10:00:00.000Z', before };
    const run = await activations.run('operation', idOf('a'), operationInput(true, anew));
    expect((await run.activate()).scheduled).toEqual(['dispatch']);
    await run.activate(run.signal('stop'));
    const ended = await run.activate(run.activityCompleted('dispatch', { kind: 'not_sent', activityAttempt: 1 }));
    expect(ended.scheduled).toEqual([]);
    expect(ended.failure).toMatchObject({ type: 'OperationFailed', detail: before });
  });

  it('of a former operation that closed without a word asks by its key, because it may have been sent', async () => {
    const replaced = { started: true, atRest: false };
    const run = await activations.run('operation', idOf('a'), operationInput(true, replaced));
    await run.activate();
    await run.activate(run.signal('stop'));
    const answered = await run.activate(run.activityCompleted('dispatch', { kind: 'not_sent', activityAttempt: 1 }));
    expect(answered.scheduled).toEqual(['resolveDispatch']);
  });

  it('that meets the accepted reply stops that remote apply before anything else is asked of it', async () => {
    const run = await activations.run('operation', idOf('a'), operationInput(true));
    await run.activate();
    const activated = await run.activate(
      run.signal('stop'),
      run.activityCompleted('dispatch', { kind: 'accepted', remoteApplyId: 'apply-x', remoteOperationId: null }),
    );
    expect(activated.scheduled).toContain('control');
    expect(activated.scheduled).not.toContain('cutover');
  });

  it('an accepted reply with an empty remote id fails closed', async () => {
    const run = await activations.run('operation', idOf('a'), operationInput(true));
    await run.activate();
    const answer = { kind: 'accepted', remoteApplyId: '', remoteOperationId: null };
    const activated = await run.activate(run.activityCompleted('dispatch', answer));
    expect(activated.failure).toMatchObject({
      type: 'OperationFailed',
      detail: { state: 'failed', confirmed: false, remoteApplyId: null },
    });
  });
});
