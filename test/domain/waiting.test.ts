import { describe, expect, it } from 'vitest';
import type { ApplyView, OperationView } from '../../domain/apply.js';
import type { ControlSituation } from '../../domain/admission.js';
import { admitControl } from '../../domain/control.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import { type DescribedOperation, factsOfView, joinStatus } from '../../domain/status.js';
import type { WaitingStatus } from '../../domain/waiting.js';
import { type WaveRecord, freshWave, waveFacts } from '../../domain/wave.js';
import { outcome, policy, wave } from './builders.js';
import { endedAs, live, seen, view } from './views.js';

const AT = '2026-11-01T10:00:00.000Z';
const LATER = '2026-11-01T10:10:00.000Z';
const NOW = '2026-11-01T10:20:00.000Z';

function waitOf(given: ApplyView, described: Readonly<Record<string, DescribedOperation>> = {}): WaitingStatus | null {
  return joinStatus({ view: given, described, detail: 'full', nowMs: Date.parse(NOW) }).waitingFor;
}

const SENT = { started: true, runId: 'run-1' } as const;
const PARKED = { ...SENT, stage: 'parked', reported: 'waiting_for_cutover' } as const;
const WINDOW = { ...SENT, stage: 'parked', reported: 'revert_window' } as const;
const FAILED = outcome({ state: 'failed', message: 'duplicates' });

function many(count: number, given: Partial<OperationView>): readonly OperationView[] {
  return Array.from({ length: count }, (_, index) => seen(`d${index}`, given));
}

describe('a wait between waves', () => {
  const waves = [
    wave({ name: 'canary', deployments: ['eu'], bakeTimeMs: 1_800_000 }),
    wave({ name: 'rest', deployments: ['us'], gate: 'manual', expiresAfterMs: 3_600_000 }),
  ];
  const canary: WaveRecord = { ...freshWave('canary'), startedAt: AT, endedAt: LATER };
  const completed = endedAs(outcome({ completedAt: LATER }));

  function waitWith(records: readonly WaveRecord[], given: Partial<RolloutPolicy> = {}): WaitingStatus | null {
    const rules = policy('halt', 0, 1, { waves, ...given });
    return waitOf(view([completed, seen('us', { wave: 1 })], { policy: rules, waves: records }));
  }

  it('is a bake, since the wave before ended and until its bake time has passed', () => {
    expect(waitWith([canary, freshWave('rest')])).toEqual({
      for: 'bake',
      since: LATER,
      until: '2026-11-01T10:40:00.000Z',
      wave: 'rest',
      commands: ['stop orders-7f3a'],
    });
  });

  it('is a gate, since it has been waited for and until it expires, with both answers to type', () => {
    const early = { ...canary, endedAt: '2026-11-01T09:00:00.000Z' };
    expect(waitWith([early, { ...freshWave('rest'), gateSince: AT }])).toEqual({
      for: 'gate',
      since: AT,
      until: '2026-11-01T11:00:00.000Z',
      wave: 'rest',
      commands: ['approve orders-7f3a --wave rest', 'reject orders-7f3a --wave rest'],
    });
  });

  it('has no end where the gate never expires, and no beginning before it is on record', () => {
    const early = { ...canary, endedAt: '2026-11-01T09:00:00.000Z' };
    const [first, second] = waves;
    if (first === undefined || second === undefined) throw new Error('there are two');
    const forEver = { waves: [first, { ...second, expiresAfterMs: null }] };
    expect(waitWith([early, freshWave('rest')], forEver)).toMatchObject({ for: 'gate', since: null, until: null });
  });
});

describe('a wait for a cutover', () => {
  it('is since the first one was parked', () => {
    const rules = policy('halt', 0, 2, { cutover: 'manual' });
    const described = {
      eu: live({ state: 'waiting_for_cutover', parkedSince: LATER }),
      us: live({ state: 'waiting_for_cutover', parkedSince: AT }),
    };
    const parked = [seen('eu', PARKED), seen('us', PARKED)];
    expect(waitOf(view(parked, { policy: rules }), described)).toMatchObject({
      for: 'cutover',
      since: AT,
      until: null,
    });
  });

  it('names a command that is accepted, also where an order says whose turn it is', () => {
    for (const cutover of ['rolling', 'ordered', 'barrier', 'manual'] as const) {
      const operations = [seen('eu', { ...PARKED, cutoverRefused: true }), seen('us', PARKED)];
      const given = view(operations, { policy: policy('halt', 0, 2, { cutover }) });
      expect(waitOf(given), cutover).toMatchObject({ for: 'cutover' });
      expect(waitOf(given)?.commands[0]).toBe('cutover orders-7f3a');
      expect(admit(given, 'cutover'), cutover).toBe('accepted');
    }
  });
});

/** Whether the control without names is accepted by the apply of this view. */
function admit(given: ApplyView, name: 'cutover'): string {
  const request = {
    name,
    deployments: [],
    all: false,
    wave: null,
    unconfirmed: false,
    reason: null,
    environment: null,
  };
  const situation: ControlSituation = {
    apply: given.apply,
    environment: 'production',
    policy: given.policy,
    operations: given.operations.map(factsOfView),
    waves: waveFacts(given.waves, given.policy, Date.parse(NOW)),
    controls: { stop: given.stop, cancel: given.cancel, release: given.released },
  };
  return admitControl(request, situation).kind;
}

describe('a revert window', () => {
  it('is open since the first change went live, and until the last engine closes it', () => {
    const described = {
      eu: live({ state: 'revert_window', parkedSince: AT, parkedUntil: NOW }),
      us: live({ state: 'revert_window', parkedSince: LATER, parkedUntil: '2026-11-01T10:30:00.000Z' }),
    };
    expect(waitOf(view([seen('eu', WINDOW), seen('us', WINDOW)]), described)).toEqual({
      for: 'revert_window',
      since: AT,
      until: '2026-11-01T10:30:00.000Z',
      wave: null,
      commands: [
        'skip-revert orders-7f3a --deployment eu --deployment us',
        'revert orders-7f3a --deployment eu --deployment us',
      ],
    });
  });

  it('of many is named as all', () => {
    expect(waitOf(view(many(400, WINDOW)))?.commands).toEqual([
      'skip-revert orders-7f3a --all',
      'revert orders-7f3a --all',
    ]);
  });
});

describe('a wait for a release', () => {
  it('is since the last one ended, and names the setbacks while they are few', () => {
    const ended = [endedAs({ ...FAILED, completedAt: AT }), endedAs(outcome({ deployment: 'us', completedAt: LATER }))];
    const rules = { policy: policy('pause') };
    expect(waitOf(view([...ended, seen('ap')], rules))).toMatchObject({
      for: 'release',
      since: LATER,
      commands: ['release orders-7f3a', 'retry orders-7f3a --deployment eu', 'stop orders-7f3a'],
    });
    const failed = Array.from({ length: 4 }, (_, index) => endedAs({ ...FAILED, deployment: `d${index}` }));
    expect(waitOf(view([...failed, seen('ap')], rules))?.commands[1]).toBe('retry orders-7f3a');
  });
});

describe('a wait for an engine', () => {
  const silent = live({ unreachableSince: AT });

  it('names how to give up the first ones that do not answer, and a stop while none is in force', () => {
    const operations = many(400, { ...SENT, stage: 'admitted' });
    const described = Object.fromEntries(operations.map(({ deployment }) => [deployment, silent]));
    const waiting = waitOf(view(operations), described);
    expect(waiting).toMatchObject({ for: 'engine', since: AT });
    expect(waiting?.commands).toEqual([
      'skip orders-7f3a --deployment d0 --unconfirmed --reason <text>',
      'skip orders-7f3a --deployment d1 --unconfirmed --reason <text>',
      'skip orders-7f3a --deployment d2 --unconfirmed --reason <text>',
      'stop orders-7f3a',
    ]);
    expect(waitOf(view(operations, { stop: true }), described)?.commands).toHaveLength(3);
  });
});

it('nothing is waited for while something moves, or when all has ended', () => {
  expect(waitOf(view([seen('eu', { ...SENT, stage: 'admitted' }), seen('us')]))).toBeNull();
  expect(waitOf(view([endedAs(outcome())]))).toBeNull();
});
