import { expect, test } from 'vitest';
import { joinStatus, statusOfResult } from '../../domain/status.js';
import { viewFromHistory } from '../../client/view-from-history.js';
import { applyInput, outcome, spec } from './builders.js';

/** The fields that scripts may rely on, as the design lists them: more may be there, never fewer. */
const APPLY_FIELDS = [
  'apply',
  'state',
  'detail',
  'waitingFor',
  'message',
  'database',
  'environment',
  'startedAt',
  'completedAt',
  'counts',
  'interrupted',
  'controls',
  'operations',
];
const OPERATION_FIELDS = [
  'deployment',
  'target',
  'state',
  'started',
  'attempt',
  'remoteApplyId',
  'reason',
  'message',
  'confirmed',
  'unverified',
  'drift',
  'phase',
  'unreachableSince',
  'progress',
  'startedAt',
  'completedAt',
];
const CONTROL_FIELDS = ['name', 'by', 'at', 'settledAt'];

const AT = '2026-01-01T12:00:00.000Z';

function keysAfterJson(value: unknown): readonly string[] {
  const plain: unknown = JSON.parse(JSON.stringify(value));
  return typeof plain === 'object' && plain !== null ? Object.keys(plain) : [];
}

const running = joinStatus({
  view: viewFromHistory('a', [
    { kind: 'started', input: applyInput(), at: AT },
    { kind: 'control', name: 'stop', message: { by: 'ann' }, at: AT },
  ]),
  described: {},
  detail: 'coarse',
  nowMs: 0,
});

const ended = statusOfResult({
  result: {
    apply: 'a',
    state: 'failed',
    message: 'eu: duplicates',
    operations: [outcome('eu', 'failed', { message: 'duplicates' })],
    waves: [],
    controls: [{ name: 'stop', by: null, at: AT, settledAt: AT, deployments: [], wave: null, reason: null }],
    released: false,
    startedAt: AT,
    completedAt: AT,
  },
  spec: spec({}, ['eu']),
  allowDrift: false,
  resumableUntil: null,
});

test.each([
  ['a running apply', running],
  ['an ended apply', ended],
])('the status of %s has every field of the contract, null where it does not apply', (_name, status) => {
  expect(keysAfterJson(status)).toEqual(expect.arrayContaining(APPLY_FIELDS));
  expect(status.operations.length).toBeGreaterThan(0);
  for (const operation of status.operations)
    expect(keysAfterJson(operation)).toEqual(expect.arrayContaining(OPERATION_FIELDS));
  expect(status.controls.length).toBeGreaterThan(0);
  for (const control of status.controls) expect(keysAfterJson(control)).toEqual(expect.arrayContaining(CONTROL_FIELDS));
});
