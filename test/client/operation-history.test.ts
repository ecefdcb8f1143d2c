import { describe, expect, test } from 'vitest';
import { assumeStopped } from '../../client/last-operations.js';
import { resolvePolicy } from '../../domain/spec.js';
import { spec } from './builders.js';
import { type OperationEvent, foldTrace } from '../../client/operation-history.js';
import type { InitialOperation, OperationView } from '../../domain/apply.js';
import { resume } from '../../domain/carry.js';
import { initial } from './builders.js';

const AT = '2026-01-01T12:00:00.000Z';

function started(overrides: Partial<InitialOperation> = {}): OperationEvent {
  return { kind: 'started', initial: initial('eu', overrides), admitted: false };
}

const DISPATCHED: OperationEvent = { kind: 'dispatch_scheduled', at: AT };

function accepted(remoteApplyId: string): OperationEvent {
  return { kind: 'answered', answer: { kind: 'accepted', remoteApplyId, remoteOperationId: '7' } };
}

describe('what an operation that left no outcome tells', () => {
  test('never dispatched: nothing was sent', () => {
    expect(foldTrace([started(), { kind: 'admitted' }])).toMatchObject({ admitted: true, started: false });
  });

  test('dispatched without an answer on record: perhaps sent, and no remote apply to go on with', () => {
    expect(foldTrace([started(), { kind: 'admitted' }, DISPATCHED])).toMatchObject({
      started: true,
      startedAt: AT,
      remoteApplyId: null,
      attempt: 0,
    });
  });

  test('accepted: the remote apply is the one to go on with', () => {
    expect(foldTrace([started(), DISPATCHED, accepted('apply-1')])).toMatchObject({
      remoteApplyId: 'apply-1',
      remoteOperationId: '7',
    });
  });

  test.each([null, 'accepted', { kind: 'accepted' }, { kind: 'accepted', remoteApplyId: '' }, { kind: 'unconfirmed' }])(
    'an answer without a remote apply (%j) leaves it perhaps sent',
    (answer) => {
      expect(foldTrace([started(), DISPATCHED, { kind: 'answered', answer }])).toMatchObject({
        started: true,
        remoteApplyId: null,
      });
    },
  );

  test('while an earlier attempt is being settled, that attempt is the one to go on with', () => {
    const unsettled = { attempt: 2, remoteApplyId: 'apply-old' };
    expect(foldTrace([started({ attempt: 3, unsettled })])).toMatchObject({
      attempt: 2,
      remoteApplyId: 'apply-old',
      started: true,
    });
    expect(foldTrace([started({ attempt: 3, unsettled }), DISPATCHED])).toMatchObject({
      attempt: 3,
      remoteApplyId: null,
    });
  });
});

describe('the next run of an interrupted apply', () => {
  const view: OperationView = {
    deployment: 'eu',
    target: 'orders_eu',
    wave: 0,
    workflowId: 'w',
    runId: 'r',
    stage: 'admitted',
    reported: null,
    permitted: false,
    cutoverRefused: false,
    cutoverAsked: false,
    cancelAsked: false,
    cutoverRefusal: '',
    attempt: 0,
    remoteApplyId: null,
    started: false,
    startedAt: null,
    outcome: null,
  };

  function nextRun(events: readonly OperationEvent[]): InitialOperation | undefined {
    const resumed = resume({
      previous: {
        apply: 'a',
        state: 'stopped',
        message: '',
        operations: [assumeStopped(view, foldTrace(events))],
        waves: [],
        controls: [],
        released: false,
        startedAt: null,
        completedAt: null,
      },
      policy: resolvePolicy(spec()),
      resumption: { control: 'start', release: false, skip: [] },
      by: null,
      at: AT,
    });
    if (!resumed.ok) throw new Error(resumed.because);
    return resumed.carried.operations[0];
  }

  test('goes on with the same attempt, so that the same key finds the same remote apply', () => {
    expect(nextRun([started({ attempt: 4 }), DISPATCHED])).toMatchObject({
      attempt: 4,
      started: true,
      remoteApplyId: null,
      atRest: false,
      unsettled: null,
    });
  });

  test('goes on with the remote apply on record', () => {
    expect(nextRun([started(), DISPATCHED, accepted('apply-1')])).toMatchObject({
      remoteApplyId: 'apply-1',
      atRest: false,
    });
  });

  test('takes what was never dispatched for at rest', () => {
    expect(nextRun([started()])).toMatchObject({ started: false, atRest: true });
  });
});
