import { describe, expect, it } from 'vitest';
import type { ApplyView } from '../../domain/apply.js';
import type { OperationState } from '../../domain/state.js';
import { earliest } from '../../domain/time.js';
import {
  type ApplyStatus,
  type DescribedOperation,
  countStates,
  factsOfView,
  failureMessage,
  joinStatus,
  statusOfResult,
} from '../../domain/status.js';
import { HALT, outcome, policy, result, unsent } from './builders.js';
import { SPEC, endedAs, live, seen, view } from './views.js';

function statusOf(given: ApplyView, described: Readonly<Record<string, DescribedOperation>> = {}): ApplyStatus {
  return joinStatus({ view: given, described, detail: 'full', nowMs: Date.parse(SINCE) });
}

/** What comes next for each operation. */
function nextOf(given: ApplyView): readonly string[] {
  return statusOf(given).operations.map(({ next }) => next);
}

const SINCE = '2026-11-01T11:00:00.000Z';
const ADMITTED = { stage: 'admitted' } as const;
const FAILED = outcome({ state: 'failed', message: 'duplicate key' });

describe('the status of a running apply', () => {
  it('joins what the parent knows with what its operations last reported', () => {
    const progress = { percent: 40, rowsCopied: '4000', rowsTotal: '10000', etaSeconds: 12 };
    const detail = live({ phase: 'catching_up', progress, detail: 'waits for a snapshot', progressAt: SINCE });
    const status = statusOf(view([seen('eu', ADMITTED), seen('us')]), { eu: detail });
    expect(status).toMatchObject({
      apply: 'orders-7f3a',
      state: 'running',
      detail: 'full',
      waitingFor: null,
      startedAt: '2026-11-01T10:00:00.000Z',
      completedAt: null,
      interrupted: null,
      counts: { running: 1, pending: 1 },
    });
    expect(status.operations[0]).toMatchObject({
      deployment: 'eu',
      target: 'orders_eu',
      state: 'running',
      started: true,
      remoteApplyId: 'remote-1',
      phase: 'catching_up',
      waitingOn: 'waits for a snapshot',
      progress,
      progressAt: SINCE,
      startedAt: '2026-11-01T10:00:00.000Z',
      completedAt: null,
      next: 'the engine finishes; `stop` halts it',
    });
  });

  it('takes an admitted operation that nobody described for one that is being dispatched', () => {
    const status = statusOf(view([seen('eu', ADMITTED)]));
    expect(status.operations[0]).toMatchObject({ state: 'dispatching', started: true, remoteApplyId: null });
    expect(status.state).toBe('running');
  });

  it('is pending while the one that was admitted has sent nothing', () => {
    const waiting = live({ state: 'dispatching', started: false, startedAt: null, remoteApplyId: null });
    expect(statusOf(view([seen('eu', ADMITTED)]), { eu: waiting })).toMatchObject({
      state: 'pending',
      startedAt: null,
    });
  });

  it('believes an end from its outcome alone, never from a heartbeat', () => {
    for (const state of ['completed', 'stopped', 'failed'] as const)
      expect(statusOf(view([seen('eu', ADMITTED)]), { eu: live({ state }) }).state).toBe('running');
  });

  it('shows a parked operation with a permission as cutting over', () => {
    const parked = { stage: 'parked', reported: 'waiting_for_cutover', started: true } as const;
    expect(statusOf(view([seen('eu', parked)])).operations[0]?.state).toBe('waiting_for_cutover');
    expect(statusOf(view([seen('eu', { ...parked, permitted: true })])).state).toBe('cutting_over');
  });

  it('never shows a permitted cutover as a park or a copy again, whatever its activities have said so far', () => {
    const permitted = { stage: 'parked', reported: 'waiting_for_cutover', started: true, permitted: true } as const;
    const says = (state: OperationState, progressAt: string | null, given: Partial<ApplyView> = {}) =>
      statusOf(view([seen('eu', permitted)], given), { eu: live({ state, progressAt }) }).operations[0]?.state;
    expect(says('running', null)).toBe('cutting_over');
    expect(says('waiting_for_cutover', null)).toBe('cutting_over');
    expect(says('waiting_for_cutover', SINCE)).toBe('cutting_over');
    // An engine that recovers is copying, and a stop goes before a cutover.
    expect(says('running', SINCE)).toBe('running');
    expect(says('waiting_for_cutover', SINCE, { stop: true })).toBe('waiting_for_cutover');
  });

  it('says of a parked operation whose turn comes before', () => {
    const parked = { stage: 'parked', reported: 'waiting_for_cutover', started: true } as const;
    const policyOf = { ...HALT, cutover: 'barrier' } as const;
    expect(nextOf(view([seen('eu', parked), seen('us', ADMITTED)], { policy: policyOf }))[0]).toBe(
      'cuts over by itself after us (dispatching); `stop` or `cancel` ends it',
    );
    expect(nextOf(view([seen('eu', parked), seen('us', parked)], { policy: policyOf }))[1]).toBe(
      'cuts over by itself after eu (parked); `stop` or `cancel` ends it',
    );
    const halted = view([endedAs(FAILED), seen('us', parked), seen('ap', ADMITTED)], { policy: policyOf });
    expect(nextOf(halted)[1]).toContain('`cutover` says so');
  });

  it('names the first failed operation in rollout order that has a message', () => {
    const silent = endedAs(outcome({ deployment: 'eu', state: 'failed', message: '' }));
    const speaking = endedAs({ ...FAILED, deployment: 'us' });
    expect(statusOf(view([silent, speaking, seen('ap')])).message).toBe('us: duplicate key');
    expect(failureMessage([outcome({ message: 'all is well' })])).toBe('');
  });
});

describe('an operation whose engine does not answer', () => {
  const described = { eu: live({ unreachableSince: SINCE, lastError: 'no answer' }) };

  it('keeps its state, says since when, and how to give it up', () => {
    const status = statusOf(view([seen('eu', ADMITTED)]), described);
    expect(status.state).toBe('running');
    expect(status.operations[0]).toMatchObject({
      state: 'running',
      unreachableSince: SINCE,
      message: 'no answer',
      next: 'goes on when the engine answers again; give it up with: skip orders-7f3a --deployment eu --unconfirmed --reason <text>',
    });
    expect(status.waitingFor).toEqual({
      for: 'engine',
      since: SINCE,
      until: null,
      wave: null,
      commands: ['skip orders-7f3a --deployment eu --unconfirmed --reason <text>', 'stop orders-7f3a'],
    });
  });

  it('keeps a stop waiting for it, and nobody is told to stop once more', () => {
    const status = statusOf(view([seen('eu', ADMITTED)], { stop: true }), described);
    expect(status.state).toBe('stopping');
    expect(status.waitingFor?.commands).toEqual(['skip orders-7f3a --deployment eu --unconfirmed --reason <text>']);
  });
});

describe('a stop or a cancel under way', () => {
  it('says of each operation what ends it', () => {
    for (const [controls, engine] of [
      [{ stop: true }, 'ends when its engine confirms the stop'],
      [{ cancel: true }, 'ends when its engine confirms the cancel'],
    ] as const) {
      const status = statusOf(view([seen('eu', ADMITTED), seen('us')], controls), { eu: live() });
      expect(status.operations.map(({ next }) => next)).toEqual([engine, 'ends without having been started']);
    }
  });

  it('shows an engine that cannot be stopped as such', () => {
    const refusing = {
      ...live(),
      control: {
        control: 'stop',
        since: SINCE,
        sent: 3,
        accepted: false,
        refused: 'stop is not supported',
        lastError: null,
      },
    } as const;
    expect(statusOf(view([seen('eu', ADMITTED)], { stop: true }), { eu: refusing }).operations[0]?.message).toBe(
      'cannot be stopped and will finish: stop is not supported',
    );
  });
});

describe('what an apply waits for', () => {
  it('after an engine refused to cut over is a person, who reads what it said', () => {
    const refused = {
      stage: 'parked',
      reported: 'waiting_for_cutover',
      started: true,
      cutoverRefused: true,
      cutoverRefusal: 'cutover: lock wait',
    } as const;
    const status = statusOf(view([seen('eu', refused)]));
    expect(status).toMatchObject({ state: 'waiting_for_cutover', waitingFor: { for: 'cutover' } });
    expect(status.operations[0]?.message).toBe('the engine refused: cutover: lock wait');
    expect(statusOf(view([seen('eu', refused)]), { eu: live({ lastError: 'no answer' }) }).operations[0]?.message).toBe(
      'no answer',
    );
  });

  it('after a setback under pause is a release; every setback can be retried, whatever its end', () => {
    const setbacks = [FAILED, outcome({ deployment: 'us', state: 'reverted', completedAt: SINCE })];
    const skipped = outcome({ deployment: 'sa', state: 'failed', skipped: true });
    const status = statusOf(
      view([...setbacks.map(endedAs), endedAs(skipped), seen('ap')], { policy: policy('pause', 0) }),
    );
    expect(status.state).toBe('paused');
    expect(status.waitingFor).toEqual({
      for: 'release',
      since: SINCE,
      until: null,
      wave: null,
      commands: ['release orders-7f3a', 'retry orders-7f3a --deployment eu --deployment us', 'stop orders-7f3a'],
    });
  });

  it('is a person for one that is parked under a closed policy, and nobody for a revert window', () => {
    const parked = seen('us', { stage: 'parked', reported: 'waiting_for_cutover', started: true });
    expect(statusOf(view([endedAs(FAILED), parked])).waitingFor).toEqual({
      for: 'cutover',
      since: null,
      until: null,
      wave: null,
      commands: ['cutover orders-7f3a', 'stop orders-7f3a', 'cancel orders-7f3a'],
    });
    const window = statusOf(view([seen('eu', ADMITTED)]), { eu: live({ state: 'revert_window' }) });
    expect(window).toMatchObject({ state: 'revert_window', waitingFor: { for: 'revert_window' } });
    expect(window.waitingFor?.commands).toEqual([
      'skip-revert orders-7f3a --deployment eu',
      'revert orders-7f3a --deployment eu',
    ]);
  });
});

describe('the status of a closed apply', () => {
  it('is its result: same state, message and times, and until when it can be resumed', () => {
    const closed = result([FAILED, unsent({ deployment: 'us' })], {
      state: 'failed',
      message: 'eu: duplicate key',
      completedAt: SINCE,
    });
    const status = statusOfResult({
      result: closed,
      spec: SPEC,
      allowDrift: false,
      resumableUntil: '2026-12-01T11:00:00.000Z',
    });
    expect(status).toMatchObject({
      state: 'failed',
      detail: 'full',
      waitingFor: null,
      message: 'eu: duplicate key',
      completedAt: SINCE,
      counts: { failed: 1, stopped: 1 },
      resumableUntil: '2026-12-01T11:00:00.000Z',
      policy: { onFailure: 'halt', waves: [{ maxConcurrency: 1, failureTolerance: 0 }], cutover: 'rolling' },
    });
    expect(status.operations.map(({ state, started, next }) => ({ state, started, next }))).toEqual([
      { state: 'failed', started: true, next: '`retry` after the cause is gone' },
      { state: 'stopped', started: false, next: '`start` goes on with it, `cancel` ends it for good' },
    ]);
  });

  it('says of a skipped operation that nothing comes next', () => {
    const skipped = unsent({ reason: 'skip', skipped: true });
    const status = statusOfResult({ result: result([skipped]), spec: SPEC, allowDrift: false, resumableUntil: null });
    expect(status.operations[0]?.next).toBe('nothing; it was skipped');
  });
});

describe('the parts of a status', () => {
  it('take the earliest of the times there are', () => {
    expect(earliest([null, SINCE, '2026-11-01T10:00:00.000Z', null])).toBe('2026-11-01T10:00:00.000Z');
    expect(earliest([null])).toBeNull();
    expect(earliest([])).toBeNull();
  });

  it('count operations by state', () => {
    expect(countStates([{ state: 'failed' }, { state: 'pending' }, { state: 'failed' }])).toEqual({
      failed: 2,
      pending: 1,
    });
  });

  it('take the facts of an ended operation from its outcome, and of every other from its stage', () => {
    expect(factsOfView(endedAs(FAILED))).toMatchObject({ state: 'failed', started: true });
    expect(factsOfView(seen('eu'))).toMatchObject({ state: 'pending', admitted: false, started: false });
    expect(factsOfView(seen('eu', { started: true }))).toMatchObject({ state: 'pending', started: true });
    expect(factsOfView(seen('eu', ADMITTED))).toMatchObject({ state: 'dispatching', admitted: true, started: true });
  });
});
