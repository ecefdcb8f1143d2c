import { describe, expect, it } from 'vitest';
import type { Admission, ControlRequest, ControlSituation } from '../../domain/admission.js';
import type { Control } from '../../domain/apply.js';
import { admitControl } from '../../domain/control.js';
import type { Cutover } from '../../domain/spec.js';
import { NO_CONTROLS, STARTED, operation, policy } from './builders.js';

const SENT = { admitted: true, started: true };
const PARKED = operation({ deployment: 'eu', state: 'waiting_for_cutover', ...SENT });
const ALSO_PARKED = { ...PARKED, deployment: 'us' };
const RUNNING = operation({ deployment: 'eu', state: 'running', ...SENT });
const FAILED = operation({ deployment: 'eu', state: 'failed', ...SENT });
const IN_WINDOW = operation({ deployment: 'eu', state: 'revert_window', ...SENT });

function ask(name: Control, request: Partial<ControlRequest>, about: Partial<ControlSituation>): Admission {
  return admitControl(
    {
      name,
      deployments: [],
      all: false,
      wave: null,
      unconfirmed: false,
      reason: null,
      environment: null,
      ...request,
    },
    {
      apply: 'orders-7f3a',
      environment: 'production',
      policy: policy('halt'),
      operations: [],
      waves: STARTED,
      controls: NO_CONTROLS,
      ...about,
    },
  );
}

function under(cutover: Cutover, operations: ControlSituation['operations']): Partial<ControlSituation> {
  return { policy: policy('halt', 0, 9, { cutover }), operations };
}

function refusal(admission: Admission): string {
  return admission.kind === 'refused' ? admission.because : admission.kind;
}

describe('cutover', () => {
  it('is refused while nothing is parked, because some engines hold an early one and fire it later', () => {
    expect(refusal(ask('cutover', {}, under('manual', [RUNNING])))).toBe(
      'cutover of apply orders-7f3a: no deployment is parked (eu is running); it is sent when a copy is ready',
    );
    expect(refusal(ask('cutover', { deployments: ['eu'] }, under('manual', [RUNNING, ALSO_PARKED])))).toContain(
      'eu is running; only a parked deployment can cut over',
    );
  });

  it('before its turn is refused and names the one ahead', () => {
    const operations = [RUNNING, ALSO_PARKED];
    for (const cutover of ['ordered', 'barrier'] as const)
      expect(refusal(ask('cutover', { deployments: ['us'] }, under(cutover, operations)))).toBe(
        `cutover of apply orders-7f3a: it is not the turn of us, because eu is running (cutover ${cutover}); it follows by itself, or leave eu out with cancel --deployment eu`,
      );
  });

  it('has no turns in a rolling or a manual rollout', () => {
    for (const cutover of ['rolling', 'manual'] as const)
      expect(ask('cutover', { deployments: ['us'] }, under(cutover, [RUNNING, ALSO_PARKED]))).toMatchObject({
        kind: 'accepted',
        deployments: ['us'],
      });
  });

  it('without a name is for those whose turn it is, and the next one needs another', () => {
    const answer = ask('cutover', {}, under('ordered', [PARKED, ALSO_PARKED]));
    expect(answer).toMatchObject({ kind: 'accepted', deployments: ['eu'] });
    expect(ask('cutover', {}, under('manual', [PARKED, ALSO_PARKED]))).toMatchObject({ deployments: ['eu', 'us'] });
  });

  it('past a failure is a person’s decision once the policy is closed', () => {
    const operations = [FAILED, ALSO_PARKED];
    expect(ask('cutover', { deployments: ['us'] }, under('ordered', operations)).kind).toBe('accepted');
  });

  it('twice, or of one that is past it, is in force already', () => {
    for (const given of [
      { permitted: true },
      { cutoverAsked: true },
      { state: 'cutting_over' },
      { state: 'revert_window' },
      { state: 'completed' },
    ] as const)
      expect(
        ask('cutover', { deployments: ['eu'] }, under('manual', [{ ...PARKED, ...given }, ALSO_PARKED])).kind,
      ).toBe('already');
  });

  it('after a stop is refused, and says what goes on with it', () => {
    const about = { ...under('manual', [PARKED]), controls: { ...NO_CONTROLS, stop: true } };
    expect(refusal(ask('cutover', {}, about))).toBe(
      'apply orders-7f3a is being stopped; wait until it has ended, then start',
    );
  });
});

describe('revert and skip-revert', () => {
  it('are for what is in its revert window, by name or all of it, and are refused elsewhere', () => {
    for (const name of ['revert', 'skip-revert'] as const) {
      const about = { operations: [IN_WINDOW, ALSO_PARKED] };
      expect(ask(name, { deployments: ['eu'] }, about)).toMatchObject({ kind: 'accepted', deployments: ['eu'] });
      expect(ask(name, { all: true }, about)).toMatchObject({ kind: 'accepted', deployments: ['eu'] });
      expect(refusal(ask(name, { deployments: ['us'] }, about))).toContain('us is waiting_for_cutover; only');
      expect(refusal(ask(name, {}, about))).toContain('must name a deployment');
    }
  });

  it('are the way with a live change: a cancel of it is refused and names revert', () => {
    expect(refusal(ask('cancel', { deployments: ['eu'] }, { operations: [IN_WINDOW] }))).toContain(
      'undo a live change with revert',
    );
  });
});
