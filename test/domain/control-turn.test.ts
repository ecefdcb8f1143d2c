import { describe, expect, it } from 'vitest';
import type { Admission, ControlRequest, ControlSituation } from '../../domain/admission.js';
import type { Control } from '../../domain/apply.js';
import { admitControl } from '../../domain/control.js';
import type { OperationFacts } from '../../domain/operation.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import { NO_CONTROLS, STARTED, operation, policy } from './builders.js';

function ask(
  name: Control,
  operations: readonly OperationFacts[],
  rules: RolloutPolicy,
  given: Partial<ControlRequest> = {},
): Admission {
  const about: ControlSituation = {
    apply: 'orders-7f3a',
    environment: 'production',
    policy: rules,
    operations,
    waves: STARTED,
    controls: NO_CONTROLS,
  };
  const plain = { deployments: [], all: false, wave: null, unconfirmed: false, reason: null, environment: null };
  return admitControl({ name, ...plain, ...given }, about);
}

function one(deployment: string, state: OperationFacts['state'], given: Partial<OperationFacts> = {}): OperationFacts {
  return operation({ deployment, state, admitted: true, started: true, ...given });
}

function refusal(admission: Admission): string {
  return admission.kind === 'refused' ? admission.because : admission.kind;
}

const accepted = (...deployments: readonly string[]) => ({ kind: 'accepted', deployments, wave: null });
const rulesOf = (cutover: RolloutPolicy['cutover'], onFailure: RolloutPolicy['onFailure'] = 'halt') =>
  policy(onFailure, 0, 9, { cutover });

const EU = one('eu', 'waiting_for_cutover');
const US = one('us', 'waiting_for_cutover');
const AP = one('ap', 'running');
const FAILED = one('sa', 'failed');

describe('cutover without names', () => {
  it('under rolling and manual is for all that are parked and have no permission yet', () => {
    const operations = [EU, { ...US, permitted: true }, one('sa', 'waiting_for_cutover'), AP];
    for (const cutover of ['rolling', 'manual'] as const)
      expect(ask('cutover', operations, rulesOf(cutover))).toEqual(accepted('eu', 'sa'));
  });

  it('under ordered and barrier is for the one whose turn it is', () => {
    expect(ask('cutover', [{ ...EU, cutoverRefused: true }, US, AP], rulesOf('ordered'))).toEqual(accepted('eu'));
    expect(ask('cutover', [{ ...EU, cutoverRefused: true }, US], rulesOf('barrier'))).toEqual(accepted('eu'));
  });

  it('under a closed policy is for all that are parked, whatever the order', () => {
    for (const cutover of ['ordered', 'barrier'] as const)
      expect(ask('cutover', [FAILED, AP, EU, US], rulesOf(cutover))).toEqual(accepted('eu', 'us'));
  });

  it('is refused where nothing is parked, with the state of each', () => {
    expect(refusal(ask('cutover', [AP, one('us', 'completed')], rulesOf('manual')))).toBe(
      'cutover of apply orders-7f3a: no deployment is parked (ap is running, us is completed); it is sent when a copy is ready',
    );
  });

  it('is in force already where all that are parked are on their way', () => {
    const operations = [{ ...EU, permitted: true }, { ...US, cutoverAsked: true }, AP];
    expect(ask('cutover', operations, rulesOf('manual'))).toEqual({ kind: 'already' });
  });
});

describe('cutover of a deployment before its turn', () => {
  it('is refused while the policy is open, and says who comes first and how to leave that one out', () => {
    expect(refusal(ask('cutover', [AP, EU], rulesOf('ordered'), { deployments: ['eu'] }))).toBe(
      'cutover of apply orders-7f3a: it is not the turn of eu, because ap is running (cutover ordered); it follows by itself, or leave ap out with cancel --deployment ap',
    );
    expect(refusal(ask('cutover', [EU, AP], rulesOf('barrier'), { deployments: ['eu'] }))).toContain(
      'it is not the turn of eu, because ap is running (cutover barrier)',
    );
    expect(refusal(ask('cutover', [EU, US], rulesOf('ordered'), { deployments: ['eu', 'us'] }))).toContain(
      'it is not the turn of us, because eu is waiting_for_cutover',
    );
  });

  it('is accepted once those before it have passed, whatever their end', () => {
    const policyThatGoesOn = rulesOf('ordered', 'continue');
    for (const state of ['completed', 'failed', 'stopped', 'cancelled', 'reverted', 'revert_window'] as const)
      expect(ask('cutover', [one('ap', state), EU], policyThatGoesOn, { deployments: ['eu'] })).toEqual(accepted('eu'));
    for (const state of ['running', 'waiting_for_cutover', 'cutting_over', 'reverting'] as const)
      expect(ask('cutover', [one('ap', state), EU], policyThatGoesOn, { deployments: ['eu'] }).kind).toBe('refused');
  });

  it('is accepted in any order where a person decides anyway: under manual, and under a closed policy', () => {
    expect(ask('cutover', [AP, EU], rulesOf('manual'), { deployments: ['eu'] })).toEqual(accepted('eu'));
    for (const cutover of ['ordered', 'barrier'] as const)
      expect(ask('cutover', [AP, EU, FAILED], rulesOf(cutover), { deployments: ['eu'] })).toEqual(accepted('eu'));
  });
});

it('a cutover that is early is never sent, and says why', () => {
  expect(refusal(ask('cutover', [AP], rulesOf('manual'), { deployments: ['ap'] }))).toBe(
    'cutover of apply orders-7f3a: ap is running; only a parked deployment can cut over, and an early cutover is never sent because engines hold it and fire it later',
  );
});

describe.each(['revert', 'skip-revert'] as const)('%s', (name) => {
  const window = one('eu', 'revert_window');

  it('must name a deployment, or mean all in a window', () => {
    expect(refusal(ask(name, [window, AP], rulesOf('rolling')))).toBe(
      `${name} of apply orders-7f3a must name a deployment: --deployment <name>, or --all in a revert window`,
    );
    expect(ask(name, [window, one('us', 'revert_window'), AP], rulesOf('rolling'), { all: true })).toEqual(
      accepted('eu', 'us'),
    );
    expect(refusal(ask(name, [AP], rulesOf('rolling'), { all: true }))).toContain(
      'ap is running; only a deployment in',
    );
    expect(refusal(ask(name, [window, AP], rulesOf('rolling'), { all: true, deployments: ['eu'] }))).toContain(
      'names eu and all; give one of them',
    );
  });

  it('is refused as a whole where one of the named is in no window', () => {
    expect(refusal(ask(name, [window, AP], rulesOf('rolling'), { deployments: ['eu', 'ap'] }))).toBe(
      `${name} of apply orders-7f3a: ap is running; only a deployment in its revert window can be reverted or keep its change early`,
    );
  });
});

describe('cancel of named deployments', () => {
  it('is refused as a whole where one of them has ended for good, and says how to undo a live change', () => {
    const operations = [AP, one('us', 'completed'), one('eu', 'revert_window')];
    expect(refusal(ask('cancel', operations, rulesOf('rolling'), { deployments: ['ap', 'us'] }))).toBe(
      'cancel of apply orders-7f3a: us is completed; only what has not ended for good can be cancelled',
    );
    expect(refusal(ask('cancel', operations, rulesOf('rolling'), { deployments: ['eu'] }))).toBe(
      'cancel of apply orders-7f3a: eu is revert_window; only what has not ended for good can be cancelled; undo a live change with revert',
    );
  });

  it('is carried out on those that are not cancelled already', () => {
    const operations = [
      AP,
      one('us', 'cancelled', { reason: 'operator' }),
      one('eu', 'running', { cancelAsked: true }),
    ];
    expect(ask('cancel', operations, rulesOf('rolling'), { deployments: ['ap', 'us', 'eu'] })).toEqual(accepted('ap'));
  });
});

it('a refusal about hundreds of deployments can be read', () => {
  const operations = Array.from({ length: 400 }, (_, index) => one(`d${index}`, 'running'));
  const because = refusal(ask('cutover', operations, rulesOf('manual')));
  expect(because).toContain('d0 is running');
  expect(because).toContain('… (400)');
  expect(because.length).toBeLessThan(300);
});
