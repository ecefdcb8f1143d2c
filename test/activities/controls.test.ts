import { CancelledFailure } from '@temporalio/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createControl } from '../../activities/control.js';
import { createCutover, createStartRemote } from '../../activities/go-on.js';
import { createRevert, createSkipRevert } from '../../activities/revert.js';
import { createResolveDispatch } from '../../activities/resolve-dispatch.js';
import { createVerifyPlan } from '../../activities/verify-plan.js';
import type { RemoteInput } from '../../activities/contract.js';
import type { ActivityPorts } from '../../activities/ports.js';
import { until } from '../support/until.js';
import { CHANGE, DISPATCH, FakeEngine, REMOTE, SCOPE, attempt, failure, observation, portsOf } from './fake-engine.js';

const ACCEPTED = { kind: 'accepted' } as const;
const TAKEN = { kind: 'accepted', remoteApplyId: 'apply-1', remoteOperationId: '11' } as const;
const DIFFERENCE = { engine: 'postgres', changes: [], lintViolations: [], errors: [], leftovers: [] };

const EARLY = '2026-11-22T07:00:00Z';
const LATE = '2026-11-22T08:00:00Z';

afterEach(() => {
  vi.useRealTimers();
});

describe('a control', () => {
  it('is sent once and stays until the engine reports the end', async () => {
    const fake = new FakeEngine({
      stop: [ACCEPTED],
      progress: [observation('running'), observation('running'), observation('stopped', { message: 'at 40 %' })],
    });
    const answer = await attempt().run(createControl(portsOf(fake)), { ...REMOTE, control: 'stop' });
    expect(answer).toMatchObject({ state: 'stopped', confirmed: true, message: 'at 40 %' });
    expect(fake.calls).toEqual(['stop', 'progress', 'progress', 'progress']);
  });

  it('is sent again after a while, and shows how often it was', async () => {
    const fake = new FakeEngine({ stop: [ACCEPTED], progress: [observation('running')] });
    const environment = attempt();
    const running = environment.run(createControl(portsOf(fake, { sendAgainMs: 50 })), { ...REMOTE, control: 'stop' });
    const ended = expect(running).rejects.toBeInstanceOf(CancelledFailure);
    await until(() => Number(environment.beats.at(-1)?.['sent'] ?? 0) > 2);
    environment.cancel();
    await ended;
    expect(environment.beats.at(-1)).toMatchObject({ accepted: true, refused: null });
    expect(fake.count('stop')).toBeGreaterThan(2);
  });

  it('that is refused shows the words of the engine, and is tried again', async () => {
    const fake = new FakeEngine({
      stop: [{ kind: 'refused', message: 'stop not supported' }],
      progress: [observation('running')],
    });
    const environment = attempt();
    const running = environment.run(createControl(portsOf(fake, { sendAgainMs: 50 })), { ...REMOTE, control: 'stop' });
    const ended = expect(running).rejects.toBeInstanceOf(CancelledFailure);
    await until(() => Number(environment.beats.at(-1)?.['sent'] ?? 0) > 1);
    environment.cancel();
    await ended;
    expect(environment.beats.at(-1)).toMatchObject({ accepted: false, refused: 'stop not supported' });
  });

  it('that errors is reconciled by reading the state', async () => {
    const fake = new FakeEngine({ stop: [failure('EngineInternal')], progress: [observation('completed')] });
    const answer = await attempt().run(createControl(portsOf(fake)), { ...REMOTE, control: 'stop' });
    expect(answer).toMatchObject({ state: 'completed' });
  });

  it('that is a cancel takes stopped for no end, until it was accepted and stayed so', async () => {
    const fake = new FakeEngine({ cancel: [failure('Ambiguous'), ACCEPTED], progress: [observation('stopped')] });
    const ports = portsOf(fake, { cancelSettlesMs: 100, sendAgainMs: 30 });
    const answer = await attempt().run(createControl(ports), { ...REMOTE, control: 'cancel' });
    expect(answer).toMatchObject({ state: 'cancelled', confirmed: false });
    expect(fake.count('cancel')).toBeGreaterThan(1);
    expect(fake.count('progress')).toBeGreaterThan(2);
  });
});

describe('start', () => {
  it.each([
    ['stopped', ['progress', 'start'], { kind: 'going' }],
    ['running', ['progress'], { kind: 'going' }],
    ['failed_retryable', ['progress'], { kind: 'going' }],
    ['completed', ['progress'], { kind: 'ended' }],
    ['cancelled', ['progress'], { kind: 'ended' }],
    ['missing', ['progress'], { kind: 'ended' }],
  ] as const)('asks first: what is %s gets %j', async (state, calls, answer) => {
    const fake = new FakeEngine({ progress: [observation(state)], start: [ACCEPTED] });
    expect(await attempt().run(createStartRemote(portsOf(fake)), REMOTE)).toEqual(answer);
    expect(fake.calls).toEqual(calls);
  });

  it('whose answer is lost reads the state before it sends anything again', async () => {
    const fake = new FakeEngine({
      progress: [observation('stopped'), observation('running')],
      start: [failure('Ambiguous')],
    });
    expect(await attempt().run(createStartRemote(portsOf(fake)), REMOTE)).toEqual({ kind: 'going' });
    expect(fake.calls).toEqual(['progress', 'start', 'progress']);
  });

  it('whose first look gets no answer sends nothing, and looks again', async () => {
    const fake = new FakeEngine({
      progress: [failure('Unreachable'), failure('Ambiguous'), observation('running')],
      start: [ACCEPTED],
    });
    expect(await attempt().run(createStartRemote(portsOf(fake)), REMOTE)).toEqual({ kind: 'going' });
    expect(fake.calls).toEqual(['progress', 'progress', 'progress']);
  });

  it('that is refused says so with the ids', async () => {
    const fake = new FakeEngine({
      progress: [observation('stopped')],
      start: [{ kind: 'refused', message: 'superseded' }],
    });
    expect(await attempt().run(createStartRemote(portsOf(fake)), REMOTE)).toEqual({
      kind: 'refused',
      message: 'superseded [deployment eu, remote apply apply-1, attempt 0]',
    });
  });

  it('ends at once in a process that stood still, instead of going round', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const fake = new FakeEngine({ progress: [observation('stopped')], start: [ACCEPTED] });
    const ports = portsOf(fake);
    const slow = {
      ...fake.engine,
      progress: async () => {
        vi.setSystemTime(Date.now() + 11_000);
        return observation('stopped');
      },
    };
    const run = attempt().run(
      createStartRemote({ ...ports, engines: { ...ports.engines, engineFor: () => slow } }),
      REMOTE,
    );
    await expect(run).rejects.toMatchObject({ type: 'LookAgain' });
    expect(fake.count('start')).toBe(0);
  });
});

describe('cutover', () => {
  it.each([
    ['waiting_for_cutover', ['progress', 'cutover'], { kind: 'accepted', settledBefore: null }],
    ['cutting_over', ['progress'], { kind: 'past' }],
    ['revert_window', ['progress'], { kind: 'past' }],
    ['completed', ['progress'], { kind: 'past' }],
    ['missing', ['progress'], { kind: 'past' }],
  ] as const)('is only sent to what is parked: %s gets %j', async (state, calls, answer) => {
    const fake = new FakeEngine({ progress: [observation(state)], cutover: [ACCEPTED] });
    expect(await attempt().run(createCutover(portsOf(fake)), REMOTE)).toEqual(answer);
    expect(fake.calls).toEqual(calls);
  });

  it('waits for what is not parked any more and not beyond either, because some engines would hold it', async () => {
    const progress = [observation('running', { phase: 'recovering' }), observation('waiting_for_cutover')];
    const fake = new FakeEngine({ progress, cutover: [ACCEPTED] });
    expect(await attempt().run(createCutover(portsOf(fake)), REMOTE)).toMatchObject({ kind: 'accepted' });
    expect(fake.calls).toEqual(['progress', 'progress', 'cutover']);
  });

  it('shows the state of the engine, not a dispatch, while it waits', async () => {
    const fake = new FakeEngine({ progress: [observation('running', { phase: 'recovering' })] });
    const environment = attempt();
    const running = environment.run(createCutover(portsOf(fake)), REMOTE);
    const ended = expect(running).rejects.toBeInstanceOf(CancelledFailure);
    await until(() => environment.beats.at(-1)?.['phase'] === 'recovering');
    environment.cancel();
    await ended;
    expect(environment.beats.at(-1)).toMatchObject({ state: 'running', remoteApplyId: 'apply-1' });
  });

  it('forgets what went wrong before, once the engine answers again', async () => {
    const fake = new FakeEngine({ progress: [failure('EngineInternal', 'storage is gone'), observation('running')] });
    const environment = attempt(longSince());
    const running = environment.run(createCutover(portsOf(fake, { controlErrorsMsMax: 3_600_000 })), REMOTE);
    const ended = expect(running).rejects.toBeInstanceOf(CancelledFailure);
    await until(() => environment.beats.at(-1)?.['state'] === 'running');
    environment.cancel();
    await ended;
    expect(environment.beats.at(-1)).toMatchObject({ internalSince: null, lastError: null, unreachableSince: null });
  });

  it('says what the engine had settled before it, so that an old refusal is not taken for that of this one', async () => {
    const settledControls = [settledRow('cutover', 'failed', EARLY), settledRow('stop', 'failed', LATE)];
    const fake = new FakeEngine({
      progress: [observation('waiting_for_cutover', { settledControls })],
      cutover: [ACCEPTED],
    });
    expect(await attempt().run(createCutover(portsOf(fake)), REMOTE)).toEqual({ ...ACCEPTED, settledBefore: EARLY });
  });
});

describe('a revert, and giving the window up', () => {
  const BOTH = [
    ['revert', createRevert],
    ['skipRevert', createSkipRevert],
  ] as const;

  describe.each(BOTH)('%s', (method, create) => {
    it.each([
      ['revert_window', ['progress', method], { kind: 'accepted', settledBefore: null }],
      ['reverting', ['progress'], { kind: 'past' }],
      ['reverted', ['progress'], { kind: 'past' }],
      ['completed', ['progress'], { kind: 'past' }],
      ['failed', ['progress'], { kind: 'past' }],
      ['missing', ['progress'], { kind: 'past' }],
    ] as const)('is only sent while the window is open: %s gets %j', async (state, calls, answer) => {
      const fake = new FakeEngine({ progress: [observation(state)], [method]: [ACCEPTED] });
      expect(await attempt().run(create(portsOf(fake)), REMOTE)).toEqual(answer);
      expect(fake.calls).toEqual(calls);
    });

    it('of what is not there yet is refused without a call, naming the state', async () => {
      const fake = new FakeEngine({ progress: [observation('cutting_over')] });
      expect(await attempt().run(create(portsOf(fake)), REMOTE)).toEqual({
        kind: 'refused',
        message:
          'it was not sent: the engine says cutting_over, not revert_window [deployment eu, remote apply apply-1, attempt 0]',
      });
    });

    it('whose answer is lost reads the state before it sends anything again', async () => {
      const fake = new FakeEngine({
        progress: [observation('revert_window'), observation('reverting')],
        [method]: [failure('Ambiguous')],
      });
      expect(await attempt().run(create(portsOf(fake)), REMOTE)).toEqual({ kind: 'past' });
      expect(fake.calls).toEqual(['progress', method, 'progress']);
    });

    it('that the engine does not know is a refusal with its words', async () => {
      const fake = new FakeEngine({
        progress: [observation('revert_window')],
        [method]: [failure('EngineRefused', 'UNIMPLEMENTED: unknown method')],
      });
      expect(await attempt().run(create(portsOf(fake)), REMOTE)).toMatchObject({
        kind: 'refused',
        message: expect.stringContaining('unknown method'),
      });
    });
  });

  it('notes the newest that was settled of either, because either may have been asked for before', async () => {
    const settledControls = [settledRow('skip_revert', 'failed', LATE), settledRow('revert', 'failed', EARLY)];
    const fake = new FakeEngine({ progress: [observation('revert_window', { settledControls })], revert: [ACCEPTED] });
    expect(await attempt().run(createRevert(portsOf(fake)), REMOTE)).toEqual({ ...ACCEPTED, settledBefore: LATE });
  });
});

describe('errors of a live engine', () => {
  const STATES = {
    start: 'stopped',
    cutover: 'waiting_for_cutover',
    revert: 'revert_window',
    skipRevert: 'revert_window',
  } as const;
  type Create = (ports: ActivityPorts) => (input: RemoteInput) => Promise<unknown>;
  const CONTROLS: readonly (readonly [keyof typeof STATES, Create, string])[] = [
    ['start', createStartRemote, 'unconfirmed'],
    ['cutover', createCutover, 'refused'],
    ['revert', createRevert, 'refused'],
    ['skipRevert', createSkipRevert, 'refused'],
  ];

  it.each(CONTROLS)(
    'in answer to %s are not repeated for ever, over all attempts together',
    async (method, create, kind) => {
      const fake = new FakeEngine({
        progress: [observation(STATES[method])],
        [method]: [failure('EngineInternal', 'not supported by this engine')],
      });
      const answer = await attempt(longSince()).run(create(portsOf(fake)), REMOTE);
      expect(answer).toMatchObject({ kind, message: expect.stringContaining('not supported by this engine') });
      expect(fake.calls).toEqual(['progress', method]);
    },
  );

  it.each(CONTROLS)('before %s could be sent are bounded as well', async (_, create, kind) => {
    const fake = new FakeEngine({ progress: [failure('EngineInternal', 'the storage is gone')] });
    const answer = await attempt(longSince()).run(create(portsOf(fake)), REMOTE);
    expect(answer).toMatchObject({ kind, message: expect.stringContaining('the storage is gone') });
    expect(fake.calls).toEqual(['progress']);
  });

  it.each(CONTROLS)(
    'are followed by another look and another try of %s while they are young',
    async (method, create) => {
      const fake = new FakeEngine({
        progress: [observation(STATES[method])],
        [method]: [failure('EngineInternal'), ACCEPTED],
      });
      expect(await attempt().run(create(portsOf(fake)), REMOTE)).not.toMatchObject({ kind: 'refused' });
      expect(fake.calls).toEqual(['progress', method, 'progress', method]);
    },
  );

  it('are counted anew when something else came between', async () => {
    const fake = new FakeEngine({
      progress: [failure('Ambiguous'), observation('revert_window')],
      revert: [failure('EngineInternal'), ACCEPTED],
    });
    expect(await attempt(longSince()).run(createRevert(portsOf(fake)), REMOTE)).toMatchObject(ACCEPTED);
    expect(fake.count('revert')).toBe(2);
  });

  it('end a start as unconfirmed, and so does an answer that breaks the contract: it may be going on', async () => {
    const fake = new FakeEngine({ progress: [observation('stopped')], start: [failure('ContractBroken')] });
    expect(await attempt().run(createStartRemote(portsOf(fake)), REMOTE)).toMatchObject({ kind: 'unconfirmed' });
  });
});

describe('a dispatch whose answer was lost', () => {
  it('is looked up, where the engine can', async () => {
    const found = { kind: 'found', remoteApplyId: 'apply-1', remoteOperationId: '11' } as const;
    const fake = new FakeEngine({ findApply: [failure('Unreachable'), found] });
    const answer = await attempt().run(createResolveDispatch(portsOf(fake)), { ...DISPATCH, purpose: 'stop' });
    expect(answer).toEqual({ ...found, resolvedBy: 'lookup' });
    expect(fake.calls).toEqual(['findApply', 'findApply']);
  });

  it('is definitely not there when the engine that owns the target says so', async () => {
    const fake = new FakeEngine({ findApply: [{ kind: 'not_found' }] });
    const answer = await attempt().run(createResolveDispatch(portsOf(fake)), { ...DISPATCH, purpose: 'stop' });
    expect(answer).toEqual({ kind: 'not_found', resolvedBy: 'lookup' });
  });

  it.each([
    ['stop', ['findApply', 'apply', 'stop']],
    ['settle', ['findApply', 'apply']],
  ] as const)('is otherwise sent once more, and for a %s the calls are %j', async (purpose, calls) => {
    const fake = new FakeEngine({ findApply: [{ kind: 'unsupported' }], apply: [TAKEN], stop: [ACCEPTED] });
    const answer = await attempt().run(createResolveDispatch(portsOf(fake)), { ...DISPATCH, purpose });
    expect(answer).toMatchObject({ kind: 'found', remoteApplyId: 'apply-1', resolvedBy: 'resend' });
    expect(fake.calls).toEqual(calls);
  });

  it('is settled as not there by a definite refusal, and stays open after an answer that breaks the contract', async () => {
    expect(await resendAnswered([{ kind: 'refused', message: 'plan not found', conflict: null }])).toMatchObject({
      kind: 'not_found',
    });
    expect(await resendAnswered([failure('ContractBroken')])).toMatchObject({ kind: 'unconfirmed' });
  });
});

describe('the verification of a plan', () => {
  it('tells what is left of the plan from what else is different', async () => {
    const other = { ...CHANGE, ddl: 'DROP TABLE left_behind', table: 'left_behind', changeType: 'drop' };
    const fake = new FakeEngine({ planDiff: [{ ...DIFFERENCE, changes: [CHANGE, other] }] });
    expect(await attempt().run(createVerifyPlan(portsOf(fake)), SCOPE)).toEqual({
      missing: ['CREATE TABLE orders (id bigint)'],
      unverifiable: [],
      remaining: ['CREATE TABLE orders (id bigint)'],
      drift: ['DROP TABLE left_behind'],
    });
  });

  it('says of what it cannot tell that it remains, also to a workflow of a version that asks for nothing else', async () => {
    const other = { ...CHANGE, ddl: 'CREATE', changeType: 'other' };
    const fake = new FakeEngine({ planDiff: [{ ...DIFFERENCE, changes: [other] }] });
    expect(await attempt().run(createVerifyPlan(portsOf(fake)), SCOPE)).toMatchObject({ remaining: ['CREATE'] });
  });

  it('with problems in the diff is no verification: neither done nor missing', async () => {
    const fake = new FakeEngine({ planDiff: [{ ...DIFFERENCE, errors: ['cannot parse orders.sql'] }] });
    const run = attempt().run(createVerifyPlan(portsOf(fake)), SCOPE);
    await expect(run).rejects.toMatchObject({ type: 'EngineInternal', nonRetryable: false });
  });
});

/** What settling an earlier attempt comes to, when its Apply is sent once more and gets this answer. */
function resendAnswered(apply: ConstructorParameters<typeof FakeEngine>[0]['apply'] & object) {
  const fake = new FakeEngine({ findApply: [{ kind: 'unsupported' }], apply });
  return attempt().run(createResolveDispatch(portsOf(fake)), { ...DISPATCH, purpose: 'settle' });
}

function settledRow(operation: string, status: string, settledAt: string) {
  return { operation, status, message: 'scripted', settledAt };
}

/** A second attempt, after more than ten minutes of nothing but errors. */
function longSince() {
  return { attempt: 2, heartbeatDetails: { internalSince: new Date(Date.now() - 601_000).toISOString() } };
}
