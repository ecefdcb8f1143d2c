import { describe, expect, it } from 'vitest';
import type { Admission, ControlSituation } from '../../domain/admission.js';
import { admitControl } from '../../domain/control.js';
import type { WaveFacts } from '../../domain/wave.js';
import { NO_CONTROLS, operation, policy, wave } from './builders.js';

const WAVES = [
  wave({ name: 'canary', deployments: ['eu'] }),
  wave({ name: 'middle', deployments: ['us'], gate: 'manual' }),
  wave({ name: 'rest', deployments: ['ap'], gate: 'manual' }),
];

const FRESH: WaveFacts = { started: false, baked: false, approved: false, barred: null };
const ENDED: WaveFacts = { started: true, baked: true, approved: false, barred: null };

/** The canary has ended, so that the gate of `middle` is waited for; unless the test says more. */
function ask(
  name: 'approve' | 'reject',
  asked: string | null,
  facts: { readonly canary?: WaveFacts; readonly middle?: WaveFacts; readonly rest?: WaveFacts } = {},
  about: Partial<ControlSituation> = {},
): Admission {
  const situation: ControlSituation = {
    apply: 'orders-7f3a',
    environment: 'production',
    policy: policy('halt', 0, 1, { waves: WAVES }),
    operations: [
      operation({ deployment: 'eu', state: 'completed', admitted: true, started: true }),
      operation({ deployment: 'us', wave: 1 }),
      operation({ deployment: 'ap', wave: 2 }),
    ],
    waves: [facts.canary ?? ENDED, facts.middle ?? FRESH, facts.rest ?? FRESH],
    controls: NO_CONTROLS,
    ...about,
  };
  const request = {
    name,
    wave: asked,
    deployments: [],
    all: false,
    unconfirmed: false,
    reason: null,
    environment: null,
  };
  return admitControl(request, situation);
}

function refusal(admission: Admission): string {
  return admission.kind === 'refused' ? admission.because : admission.kind;
}

const accepted = (name: string) => ({ kind: 'accepted', deployments: [], wave: name });
const ALREADY = { kind: 'already' };

describe.each(['approve', 'reject'] as const)('%s', (name) => {
  it('without a name is for the gate that is waited for', () => {
    expect(ask(name, null)).toEqual(accepted('middle'));
    const later = { middle: ENDED };
    const operations = [
      operation({ deployment: 'eu', state: 'completed' }),
      operation({ deployment: 'us', wave: 1, state: 'completed' }),
      operation({ deployment: 'ap', wave: 2 }),
    ];
    expect(ask(name, null, later, { operations })).toEqual(accepted('rest'));
  });

  it('without a name is refused while no gate is waited for, and names those there are', () => {
    const baking = { canary: { ...ENDED, baked: false } };
    expect(refusal(ask(name, null, baking))).toBe(
      `${name} of apply orders-7f3a: no gate is waited for now; name a gated wave: --wave middle | rest`,
    );
  });

  it('by name is accepted before its turn has come', () => {
    expect(ask(name, 'rest')).toEqual(accepted('rest'));
    expect(ask(name, 'middle', { canary: { ...ENDED, baked: false } })).toEqual(accepted('middle'));
  });

  it('is refused for a wave that does not exist, has no gate, or where there are no gates', () => {
    expect(refusal(ask(name, 'mars'))).toBe(
      `${name} of apply orders-7f3a: there is no wave mars; name a gated wave: --wave middle | rest`,
    );
    expect(refusal(ask(name, 'canary'))).toBe(
      `${name} of apply orders-7f3a: wave canary has no gate; gated are middle, rest`,
    );
    expect(refusal(ask(name, null, {}, { policy: policy('halt') }))).toBe(
      `apply orders-7f3a has no gates, so there is nothing to ${name}; its waves start by themselves`,
    );
  });

  it('is refused after a stop or a cancel', () => {
    expect(refusal(ask(name, null, {}, { controls: { ...NO_CONTROLS, stop: true } }))).toBe(
      'apply orders-7f3a is being stopped; wait until it has ended, then start',
    );
    expect(refusal(ask(name, null, {}, { controls: { ...NO_CONTROLS, cancel: true } }))).toBe(
      `apply orders-7f3a is being cancelled, which is final; ${name} is refused`,
    );
  });

  it('is answered the same while the policy is closed: the answer is kept until it opens', () => {
    const failed = operation({ deployment: 'eu', state: 'failed', admitted: true, started: true });
    const operations = [failed, operation({ deployment: 'us', wave: 1 }), operation({ deployment: 'ap', wave: 2 })];
    expect(ask(name, 'rest', {}, { operations, policy: policy('pause', 0, 1, { waves: WAVES }) })).toEqual(
      accepted('rest'),
    );
  });
});

describe('a gate that was answered', () => {
  const approved = { middle: { ...FRESH, approved: true } };
  const started = { middle: { ...ENDED, baked: false, approved: true } };

  it('is approved once, and can be rejected until its wave starts', () => {
    expect(ask('approve', 'middle', approved)).toEqual(ALREADY);
    expect(ask('approve', 'middle', started)).toEqual(ALREADY);
    expect(ask('reject', 'middle', approved)).toEqual(accepted('middle'));
    expect(refusal(ask('reject', 'middle', started))).toBe(
      'apply orders-7f3a: wave middle has started; end it with stop, or leave deployments out with skip',
    );
  });

  it.each([
    ['operator', 'was rejected'],
    ['deadline', 'expired'],
  ] as const)('by %s stays closed', (barred, what) => {
    const closed = { middle: { ...FRESH, barred } };
    expect(ask('reject', 'middle', closed)).toEqual(ALREADY);
    expect(refusal(ask('approve', 'middle', closed))).toBe(
      `apply orders-7f3a: wave middle ${what} and has ended; go on with start once the apply has ended`,
    );
  });
});
