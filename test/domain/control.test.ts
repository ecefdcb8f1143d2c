import { describe, expect, it } from 'vitest';
import { CONTROLS, type Control } from '../../domain/apply.js';
import type { Admission, ControlRequest, ControlSituation } from '../../domain/admission.js';
import { APPLY_WIDE, admitControl } from '../../domain/control.js';
import { NO_CONTROLS, STARTED, operation, policy } from './builders.js';
import { everyControls, everyOperation, multisets } from './situations.js';

function situation(given: Partial<ControlSituation> = {}): ControlSituation {
  return {
    apply: 'orders-7f3a',
    environment: 'production',
    policy: policy('halt', 0),
    operations: [RUNNING, PENDING],
    waves: STARTED,
    controls: NO_CONTROLS,
    ...given,
  };
}

function ask(name: Control, given: Partial<ControlRequest> = {}, about: Partial<ControlSituation> = {}): Admission {
  const request = {
    name,
    deployments: [],
    all: false,
    wave: null,
    unconfirmed: false,
    reason: null,
    environment: null,
    ...given,
  };
  return admitControl(request, situation(about));
}

function accepted(deployments: readonly string[], wave: string | null = null): Admission {
  return { kind: 'accepted', deployments, wave };
}

function refusal(admission: Admission): string {
  return admission.kind === 'refused' ? admission.because : admission.kind;
}

const SENT = { admitted: true, started: true };
const RUNNING = operation({ deployment: 'eu', state: 'running', ...SENT });
const PENDING = operation({ deployment: 'us' });
const FAILED = operation({ deployment: 'eu', state: 'failed', ...SENT });
const ALSO_FAILED = operation({ deployment: 'ap', state: 'failed', ...SENT });
const COMPLETED = operation({ deployment: 'eu', state: 'completed', ...SENT });

describe('every control', () => {
  it('is refused for a deployment that the apply does not have, naming those it has', () => {
    for (const name of CONTROLS)
      expect(refusal(ask(name, { deployments: ['eu', 'mars', 'venus'] }))).toBe(
        `${name} names deployment mars, venus, which apply orders-7f3a does not have; it has eu, us`,
      );
  });

  it('is refused for another environment than the apply is in', () => {
    for (const name of CONTROLS) {
      expect(refusal(ask(name, { environment: 'staging' }))).toBe(
        `${name} names environment staging, and apply orders-7f3a is in production; name the right environment or the right apply`,
      );
      expect(refusal(ask(name, { environment: 'production' }))).not.toContain('environment');
    }
  });

  it('is refused once all has ended, and says what begins a new run', () => {
    for (const name of CONTROLS)
      expect(refusal(ask(name, {}, { operations: [COMPLETED, { ...FAILED, deployment: 'us' }] }))).toBe(
        `apply orders-7f3a has ended; ${name} reaches running applies, and start, retry and cancel of an ended one begin a new run`,
      );
  });

  it('that is for the whole apply is refused with deployments', () => {
    for (const name of APPLY_WIDE)
      expect(refusal(ask(name, { deployments: ['eu'] }))).toBe(
        `${name} is for the whole apply orders-7f3a and names eu; leave the deployments out`,
      );
  });

  it('is judged without an error in every situation of two operations, and a refusal gives a reason and the apply', () => {
    let judged = 0;
    for (const pair of multisets(everyOperation(), 2))
      for (const controls of everyControls())
        for (const name of CONTROLS) {
          const operations = pair.map((one, index) => ({ ...one, deployment: `d${index}` }));
          const deployments = ['skip', 'revert', 'skip-revert'].includes(name) ? ['d0'] : [];
          const admission = ask(name, { deployments, reason: 'why' }, { operations, controls });
          judged += 1;
          if (admission.kind === 'refused' && !admission.because.includes('orders-7f3a'))
            expect.fail(`${name}: ${admission.because}`);
        }
    expect(judged).toBeGreaterThan(10_000);
  });
});

describe('stop and cancel', () => {
  it('are accepted while anything is left, once; a cancel also after a stop, and never the other way round', () => {
    expect(ask('stop')).toEqual(accepted([]));
    expect(ask('cancel')).toEqual(accepted([]));
    const stopped = { controls: { ...NO_CONTROLS, stop: true } };
    expect(ask('stop', {}, stopped)).toEqual({ kind: 'already' });
    expect(ask('cancel', {}, stopped)).toEqual(accepted([]));
    const cancelled = { controls: { ...NO_CONTROLS, cancel: true } };
    expect(ask('stop', {}, cancelled)).toEqual({ kind: 'already' });
    expect(ask('cancel', {}, cancelled)).toEqual({ kind: 'already' });
  });
});

describe('release', () => {
  const closed = { operations: [FAILED, PENDING], policy: policy('pause', 0) };

  it('opens a closed policy, once', () => {
    expect(ask('release', {}, closed)).toEqual(accepted([]));
    expect(ask('release', {}, { ...closed, controls: { ...NO_CONTROLS, release: true } })).toEqual({ kind: 'already' });
  });

  it('is refused while the policy is open, so that no later failure passes unnoticed', () => {
    expect(refusal(ask('release'))).toBe(
      'apply orders-7f3a: the policy is open (0 setbacks, failureTolerance 0, onFailure halt), so there is nothing to release',
    );
    expect(ask('release', {}, { ...closed, policy: policy('continue', 0) }).kind).toBe('refused');
    expect(ask('release', {}, { ...closed, policy: policy('pause', 1) }).kind).toBe('refused');
  });

  it('is refused after a stop or a cancel', () => {
    expect(refusal(ask('release', {}, { ...closed, controls: { ...NO_CONTROLS, stop: true } }))).toBe(
      'apply orders-7f3a is being stopped; wait until it has ended, then start --release',
    );
    expect(refusal(ask('release', {}, { ...closed, controls: { ...NO_CONTROLS, cancel: true } }))).toBe(
      'apply orders-7f3a is being cancelled, which is final; release is refused',
    );
  });
});

describe('retry', () => {
  const operations = [FAILED, ALSO_FAILED, PENDING];
  const continuing = { operations, policy: policy('continue', 0) };

  it('means every setback unless it names some', () => {
    expect(ask('retry', {}, continuing)).toEqual(accepted(['eu', 'ap']));
    expect(ask('retry', { deployments: ['ap'] }, continuing)).toEqual(accepted(['ap']));
  });

  it('takes what failed, was reverted, or was ended by someone else on the engine', () => {
    for (const given of [
      { state: 'failed' },
      { state: 'failed', skipped: true },
      { state: 'reverted' },
      { state: 'stopped', reason: 'engine' },
      { state: 'cancelled', reason: 'engine' },
    ] as const) {
      const ended = operation({ deployment: 'ap', ...SENT, ...given });
      expect(ask('retry', { deployments: ['ap'] }, { operations: [ended, PENDING] }).kind).toBe('accepted');
    }
  });

  it('refuses what has not failed, naming the state of each', () => {
    const mixed = [FAILED, PENDING, operation({ deployment: 'ap', state: 'completed' })];
    expect(refusal(ask('retry', { deployments: ['eu', 'us', 'ap'] }, { operations: mixed }))).toBe(
      'retry of apply orders-7f3a: us is pending, ap is completed; only failed and reverted deployments, and those that someone else ended on the engine, can be attempted anew',
    );
    expect(refusal(ask('retry'))).toBe('apply orders-7f3a has no failed deployment to retry');
  });

  it('under halt is refused while other setbacks keep the policy closed, and names them', () => {
    expect(refusal(ask('retry', { deployments: ['eu'] }, { operations }))).toBe(
      'retry of apply orders-7f3a: ap is failed would keep the policy closed (1 setback, failureTolerance 0, onFailure halt); retry these too',
    );
    expect(ask('retry', {}, { operations }).kind).toBe('accepted');
    expect(ask('retry', { deployments: ['eu'] }, { operations, policy: policy('halt', 1) }).kind).toBe('accepted');
    const released = { ...NO_CONTROLS, release: true };
    expect(ask('retry', { deployments: ['eu'] }, { operations, controls: released }).kind).toBe('accepted');
  });

  it('under pause is accepted although others keep the policy closed, and waits for release', () => {
    expect(ask('retry', { deployments: ['eu'] }, { operations, policy: policy('pause', 0) }).kind).toBe('accepted');
  });

  it('is refused after a stop or a cancel', () => {
    expect(refusal(ask('retry', {}, { ...continuing, controls: { ...NO_CONTROLS, stop: true } }))).toBe(
      'apply orders-7f3a is being stopped; wait until it has ended, then retry',
    );
    expect(ask('retry', {}, { ...continuing, controls: { ...NO_CONTROLS, cancel: true } }).kind).toBe('refused');
  });
});

function skip(deployment: string, given: Partial<ControlRequest>, about: Partial<ControlSituation>): Admission {
  return ask('skip', { deployments: [deployment], reason: 'the table is gone', ...given }, about);
}

describe('skip', () => {
  it('takes a pending and a failed deployment', () => {
    expect(skip('us', {}, {})).toEqual(accepted(['us']));
    expect(skip('eu', {}, { operations: [FAILED, PENDING] })).toEqual(accepted(['eu']));
  });

  it('must name a deployment and say why', () => {
    expect(refusal(ask('skip', { reason: 'why' }))).toBe(
      'skip of apply orders-7f3a must name a deployment: --deployment <name>, or --all that can be skipped',
    );
    for (const reason of [null, '', '  '])
      expect(refusal(ask('skip', { deployments: ['us'], reason }))).toBe(
        'skip of apply orders-7f3a must say why: --reason <text>',
      );
  });

  it('refuses what is on its engine, unless it is given up', () => {
    expect(refusal(skip('eu', {}, {}))).toBe(
      'skip of apply orders-7f3a: eu is running; only pending and failed deployments can be skipped; stop the apply, or give the deployment up with --unconfirmed when its engine does not answer',
    );
    expect(skip('eu', { unconfirmed: true }, {})).toEqual(accepted(['eu']));
    const admitted = { operations: [{ ...PENDING, admitted: true }] };
    expect(skip('us', {}, admitted).kind).toBe('refused');
    expect(skip('us', { unconfirmed: true }, admitted).kind).toBe('accepted');
  });

  it('speaks of giving up only where every one that was named could be', () => {
    const mixed = { operations: [COMPLETED, { ...RUNNING, deployment: 'us' }] };
    expect(refusal(ask('skip', { deployments: ['eu', 'us'], reason: 'why' }, mixed))).toBe(
      'skip of apply orders-7f3a: eu is completed, us is running; only pending and failed deployments can be skipped',
    );
  });

  it('gives a deployment up also while a stop or a cancel is in force', () => {
    for (const control of ['stop', 'cancel'])
      expect(skip('eu', { unconfirmed: true }, { controls: { ...NO_CONTROLS, [control]: true } }).kind).toBe(
        'accepted',
      );
  });

  it('never touches what has completed', () => {
    for (const unconfirmed of [false, true])
      expect(refusal(skip('eu', { unconfirmed }, { operations: [COMPLETED, PENDING] }))).toBe(
        'skip of apply orders-7f3a: eu is completed; only pending and failed deployments can be skipped',
      );
  });

  it('of one that was left out before changes nothing', () => {
    const operations = [{ ...FAILED, skipped: true }, { ...ALSO_FAILED, skipped: false }, PENDING];
    expect(skip('eu', {}, { operations })).toEqual({ kind: 'already' });
    expect(ask('skip', { deployments: ['eu', 'ap'], reason: 'why' }, { operations })).toEqual(accepted(['ap']));
  });
});

describe('start', () => {
  it('is refused while the apply runs, and says what goes on with it', () => {
    expect(refusal(ask('start'))).toBe('apply orders-7f3a is running; start is for one that was stopped');
    expect(refusal(ask('start', {}, { controls: { ...NO_CONTROLS, stop: true } }))).toBe(
      'apply orders-7f3a is stopping; start it once it has ended',
    );
    expect(refusal(ask('start', {}, { controls: { ...NO_CONTROLS, cancel: true } }))).toBe(
      'apply orders-7f3a is cancelling; start it once it has ended',
    );
    const paused = { operations: [FAILED, PENDING], policy: policy('pause', 0) };
    expect(refusal(ask('start', {}, paused))).toBe(
      'apply orders-7f3a is paused, not stopped; go on with release, or end it with stop',
    );
  });
});
