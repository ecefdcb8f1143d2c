import { expect, test } from 'vitest';
import { joinDetails } from '../../client/describe-operations.js';

const LIVE = {
  state: 'running',
  phase: 'checksumming',
  started: true,
  startedAt: null,
  remoteApplyId: 'apply-1',
  progress: null,
  detail: 'building index',
  unreachableSince: null,
  lastError: null,
  progressAt: '2026-01-01T12:00:00.000Z',
};

const CONTROL = {
  control: 'stop',
  since: '2026-01-01T12:00:00.000Z',
  sent: 2,
  accepted: false,
  refused: null,
  lastError: null,
};

test('what the engine does and what a control waits for are told apart by their shape', () => {
  expect(
    joinDetails([
      { type: 'control', detail: CONTROL },
      { type: 'watch', detail: LIVE },
    ]),
  ).toEqual({
    live: LIVE,
    control: CONTROL,
  });
});

test('a watch that has not beaten yet is on an engine that has accepted the apply', () => {
  expect(joinDetails([{ type: 'watch', detail: undefined }]).live).toMatchObject({ state: 'running', started: true });
});

test('a dispatch that has not beaten yet says nothing', () => {
  expect(joinDetails([{ type: 'dispatch', detail: undefined }])).toEqual({ live: null, control: null });
});

test('a state that is not in our list is not believed', () => {
  expect(joinDetails([{ type: 'dispatch', detail: { ...LIVE, state: 'sideways' } }]).live).toBeNull();
});
