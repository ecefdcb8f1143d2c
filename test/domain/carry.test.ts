import { describe, expect, it } from 'vitest';
import type { CarriedState, InitialOperation } from '../../domain/apply.js';
import { type Resumed, type Resumption, facts, resume } from '../../domain/carry.js';
import { anew } from '../../domain/initial-operation.js';
import type { OperationOutcome } from '../../domain/operation.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import { type WaveRecord, freshWave } from '../../domain/wave.js';
import { HALT, outcome, policy, result, unsent, wave } from './builders.js';
import { multisets } from './situations.js';

const AT = '2026-11-02T09:00:00.000Z';

const START: Resumption = { control: 'start', release: false, skip: [] };
const RETRY: Resumption = { control: 'retry', deployments: [], release: false, skip: [] };
const CANCEL: Resumption = { control: 'cancel', deployments: [] };

function skip(deployments: readonly string[]): Resumption {
  return { control: 'skip', deployments, reason: 'looked' };
}

function again(
  operations: readonly OperationOutcome[],
  resumption: Resumption,
  given: { readonly policy?: RolloutPolicy; readonly released?: boolean } = {},
): Resumed {
  return resume({
    previous: result(operations, { released: given.released ?? false }),
    policy: given.policy ?? HALT,
    resumption,
    by: 'ada',
    at: AT,
  });
}

function carriedBy(resumed: Resumed): CarriedState {
  if (!resumed.ok) throw new Error(`refused: ${resumed.because}`);
  return resumed.carried;
}

function of(resumed: Resumed, deployment: string): InitialOperation {
  const found = carriedBy(resumed).operations.find((operation) => operation.deployment === deployment);
  if (found === undefined) throw new Error(`nothing carried for ${deployment}`);
  return found;
}

function refusal(resumed: Resumed): string {
  return resumed.ok ? 'accepted' : resumed.because;
}

const STOPPED = { state: 'stopped', reason: 'operator', completedAt: null } as const;
const EU_DONE = outcome({ deployment: 'eu' });
const US_STOPPED = outcome({ deployment: 'us', ...STOPPED, attempt: 2, remoteApplyId: 'remote-us' });
const AP_UNSENT = unsent({ deployment: 'ap' });
const US_FAILED = outcome({ deployment: 'us', state: 'failed', message: 'duplicate key', remoteApplyId: 'remote-us' });

describe('skip of a closed apply', () => {
  it('leaves out what it names, says why, and moves nothing else', () => {
    const resumed = again([EU_DONE, US_FAILED, AP_UNSENT], skip(['us']));
    expect(of(resumed, 'us').ended).toEqual({ ...US_FAILED, skipped: true });
    expect(of(resumed, 'ap').ended).toBe(AP_UNSENT);
    expect(of(resumed, 'eu').ended).toBe(EU_DONE);
    expect(carriedBy(resumed).controls.at(-1)).toEqual({
      name: 'skip',
      by: 'ada',
      at: AT,
      settledAt: AT,
      deployments: ['us'],
      wave: null,
      reason: 'looked',
    });
  });

  it('is no setback any more, so that a start goes on with the others', () => {
    const left = of(again([US_FAILED, AP_UNSENT], skip(['us'])), 'us').ended;
    expect(again([left ?? US_FAILED, AP_UNSENT], START).ok).toBe(true);
  });

  it('means all that failed where it names none', () => {
    const resumed = again([US_FAILED, { ...US_FAILED, deployment: 'eu' }, US_STOPPED], skip([]));
    expect(carriedBy(resumed).controls.at(-1)?.deployments).toEqual(['us', 'eu']);
  });

  it('is refused for what is completed, left out already, or unknown', () => {
    expect(refusal(again([EU_DONE, US_FAILED], skip(['eu'])))).toContain('leave it out of --deployment');
    expect(refusal(again([{ ...US_FAILED, skipped: true }], skip(['us'])))).toContain('nothing left to skip');
    expect(refusal(again([US_FAILED], skip(['xx'])))).toContain('no deployment xx');
    const cancelled = { ...US_STOPPED, state: 'cancelled' } as const;
    expect(refusal(again([cancelled], skip(['us'])))).toContain('us is cancelled; only failed and stopped');
  });
});

describe('an end that nobody could verify', () => {
  const unverified = { ...US_FAILED, confirmed: false, unverified: true, baseline: ['public.u engine'] };

  it('is settled by its old remote apply first, with what its dispatch had read', () => {
    expect(anew(unverified)).toMatchObject({
      unsettled: { attempt: 0, remoteApplyId: 'remote-us', baseline: ['public.u engine'] },
      verifyFirst: false,
    });
    expect(anew(unverified)).not.toHaveProperty('baseline');
  });

  it('and a stopped one goes on with what its dispatch had read', () => {
    const resumed = again([{ ...US_STOPPED, baseline: ['public.u engine'] }], START);
    expect(of(resumed, 'us').baseline).toEqual(['public.u engine']);
  });
});

describe('start', () => {
  it('goes on with what was stopped: same attempt, same remote apply, started as it was', () => {
    const resumed = again([EU_DONE, US_STOPPED, AP_UNSENT], START);
    expect(of(resumed, 'us')).toEqual({
      deployment: 'us',
      ended: null,
      attempt: 2,
      remoteApplyId: 'remote-us',
      remoteOperationId: 'remote-operation-1',
      started: true,
      atRest: true,
      startedAt: US_STOPPED.startedAt,
      unsettled: null,
      verifyFirst: false,
      before: null,
      cancel: false,
    });
    expect(of(resumed, 'ap')).toMatchObject({ ended: null, started: false, atRest: true, remoteApplyId: null });
    expect(of(resumed, 'eu').ended).toBe(EU_DONE);
  });

  it('does not take a stop that its engine never confirmed for rest', () => {
    expect(of(again([{ ...US_STOPPED, confirmed: false }], START), 'us').atRest).toBe(false);
  });

  it('puts itself on record behind the controls of earlier runs, and carries when the apply began', () => {
    const stop = { name: 'stop', by: 'bo', at: AT, settledAt: AT, deployments: [], wave: null, reason: null } as const;
    const previous = result([US_STOPPED], { controls: [stop], startedAt: '2026-11-01T08:00:00.000Z' });
    const carried = carriedBy(resume({ previous, policy: HALT, resumption: START, by: 'ada', at: AT }));
    expect(carried.controls).toEqual([stop, { ...stop, name: 'start', by: 'ada' }]);
    expect(carried).toMatchObject({ startedAt: '2026-11-01T08:00:00.000Z', cancel: false, released: false });
  });

  it('is refused when nothing is resumable, and names what can be retried', () => {
    expect(refusal(again([EU_DONE], START))).toBe('apply orders-7f3a has nothing to resume (eu is completed)');
    expect(refusal(again([EU_DONE, US_FAILED], START))).toBe(
      'apply orders-7f3a has nothing to resume (eu is completed, us is failed); `retry` attempts us anew',
    );
    const skipped = unsent({ deployment: 'ap', reason: 'skip', skipped: true });
    expect(refusal(again([EU_DONE, skipped], START))).toContain('nothing to resume');
  });

  it('is refused while carried setbacks keep the policy closed, and names the three ways that open it', () => {
    expect(refusal(again([US_FAILED, AP_UNSENT], START))).toBe(
      'apply orders-7f3a: us is a setback that keeps the policy closed (1 setback, failureTolerance 0, onFailure halt); ' +
        'attempt anew with: retry orders-7f3a --deployment us; leave out with: start orders-7f3a --skip us; or go on in spite of it with: start orders-7f3a --release',
    );
    const two = again([US_FAILED, { ...US_FAILED, deployment: 'eu' }, AP_UNSENT], START);
    expect(refusal(two)).toContain('us, eu are setbacks that keep');
    expect(refusal(two)).toContain('start orders-7f3a --skip us --skip eu');
  });

  it.each([
    ['a tolerance that allows them', { policy: policy('halt', 1) }, START],
    ['continue', { policy: policy('continue', 0) }, START],
    ['a release in an earlier run', { released: true }, START],
    ['--release', {}, { ...START, release: true }],
    ['--skip of the setback', {}, { ...START, skip: ['us'] }],
  ])('goes on in spite of setbacks with %s', (_name, given, resumption) => {
    expect(again([US_FAILED, AP_UNSENT], resumption, given).ok).toBe(true);
  });

  it('keeps a release for the rest of the apply', () => {
    const released = again([US_FAILED, AP_UNSENT], { ...START, release: true });
    expect(carriedBy(released).released).toBe(true);
    expect(carriedBy(again([AP_UNSENT], START, { released: true })).released).toBe(true);
  });

  it('refuses a release while the policy is open, so that no later failure passes unnoticed', () => {
    expect(refusal(again([AP_UNSENT], { ...START, release: true }))).toBe(
      'apply orders-7f3a: the policy is open (0 setbacks, failureTolerance 0, onFailure halt), so there is nothing to release; leave --release out',
    );
    expect(again([AP_UNSENT], { ...START, release: true }, { released: true }).ok).toBe(true);
    expect(again([US_FAILED, AP_UNSENT], { ...START, skip: ['us'], release: true }).ok).toBe(false);
  });

  it('--skip leaves out a stopped deployment for good and takes back a setback', () => {
    const resumed = again([US_STOPPED, US_FAILED, AP_UNSENT], { ...START, skip: ['us'] });
    const [stopped, failed] = carriedBy(resumed).operations;
    expect(stopped?.ended).toEqual({ ...US_STOPPED, skipped: true, reason: 'skip' });
    expect(failed?.ended).toEqual({ ...US_FAILED, skipped: true });
  });

  it('refuses to skip what has completed', () => {
    expect(refusal(again([EU_DONE, AP_UNSENT], { ...START, skip: ['eu'] }))).toBe(
      'apply orders-7f3a: eu is completed, so there is nothing to skip; leave it out of --skip',
    );
  });
});

describe('retry', () => {
  it('makes a new attempt of all that failed, with the remote id cleared, and goes on with what was stopped', () => {
    const resumed = again([US_FAILED, AP_UNSENT], RETRY);
    expect(of(resumed, 'us')).toEqual({
      deployment: 'us',
      ended: null,
      attempt: 1,
      remoteApplyId: null,
      remoteOperationId: null,
      started: true,
      atRest: true,
      startedAt: US_FAILED.startedAt,
      unsettled: null,
      verifyFirst: false,
      before: US_FAILED,
      cancel: false,
    });
    expect(of(resumed, 'ap').ended).toBeNull();
    expect(carriedBy(resumed).controls).toEqual([
      { name: 'retry', by: 'ada', at: AT, settledAt: AT, deployments: ['us'], wave: null, reason: null },
    ]);
  });

  it('unnamed takes reverted ones and those that someone else ended, and not those that a person left out', () => {
    const reverted = outcome({ deployment: 'a', state: 'reverted' });
    const endedElsewhere = outcome({ deployment: 'b', ...STOPPED, reason: 'engine' });
    const skipped = outcome({ deployment: 'c', state: 'failed', skipped: true });
    const cancelled = outcome({ deployment: 'd', state: 'cancelled', reason: 'operator' });
    const resumed = again([reverted, endedElsewhere, skipped, cancelled], RETRY);
    expect(carriedBy(resumed).operations.map(({ ended }) => ended?.deployment ?? 'anew')).toEqual([
      'anew',
      'anew',
      'c',
      'd',
    ]);
  });

  it('named takes also one that was given up or cancelled', () => {
    const skipped = outcome({ deployment: 'c', state: 'failed', skipped: true, attempt: 3 });
    const cancelled = outcome({ deployment: 'd', state: 'cancelled', reason: 'operator' });
    const resumed = again([skipped, cancelled], { ...RETRY, deployments: ['c', 'd'] });
    expect(of(resumed, 'c')).toMatchObject({ ended: null, attempt: 4 });
    expect(of(resumed, 'd')).toMatchObject({ ended: null, attempt: 1 });
  });

  it('refuses to attempt anew what has completed or was stopped here, and says what goes on with it', () => {
    expect(refusal(again([EU_DONE, US_STOPPED], { ...RETRY, deployments: ['eu', 'us'] }))).toBe(
      'retry of apply orders-7f3a: eu is completed, us is stopped; only failed and reverted deployments, and those that someone else ended on the engine, can be attempted anew; start goes on with stopped ones',
    );
  });

  it('is refused when there is nothing to retry or resume', () => {
    expect(refusal(again([EU_DONE], RETRY))).toBe('apply orders-7f3a has nothing to retry (eu is completed)');
  });

  it('of some is refused while the others keep the policy closed', () => {
    const two = [US_FAILED, { ...US_FAILED, deployment: 'eu' }];
    expect(refusal(again(two, { ...RETRY, deployments: ['us'] }))).toContain(
      'eu is a setback that keeps the policy closed',
    );
    expect(again(two, RETRY).ok).toBe(true);
  });

  it.each([
    [
      'one that was given up',
      { confirmed: false, remoteApplyId: 'remote-us' },
      { attempt: 0, remoteApplyId: 'remote-us' },
    ],
    ['a send without an answer', { dispatch: 'unconfirmed', remoteApplyId: null }, { attempt: 0, remoteApplyId: null }],
  ] as const)('first settles an attempt whose end nobody knows: %s', (_name, given, unsettled) => {
    expect(anew({ ...US_FAILED, ...given })).toMatchObject({
      unsettled,
      atRest: false,
      attempt: 1,
      remoteApplyId: null,
    });
  });

  it('of one that was refused before it was sent has nothing to settle', () => {
    const refused = outcome({ state: 'failed', started: false, confirmed: false, remoteApplyId: null });
    expect(anew(refused)).toMatchObject({ unsettled: null, atRest: true, started: false });
  });

  it('verifies first where the change was found in place', () => {
    expect(anew({ ...US_FAILED, changeInPlace: true }).verifyFirst).toBe(true);
  });
});

describe('cancel of a closed apply', () => {
  it('reaches what was stopped with a remote apply, and ends here what never had one', () => {
    const resumed = again([EU_DONE, US_STOPPED, AP_UNSENT], CANCEL);
    expect(of(resumed, 'eu').ended).toBe(EU_DONE);
    expect(of(resumed, 'us')).toMatchObject({ ended: null, remoteApplyId: 'remote-us', started: true });
    expect(of(resumed, 'ap').ended).toEqual({ ...AP_UNSENT, state: 'cancelled', reason: 'operator', completedAt: AT });
    expect(carriedBy(resumed)).toMatchObject({ cancel: true, controls: [{ name: 'cancel', settledAt: null }] });
  });

  it('is not stopped by a closed policy', () => {
    expect(again([US_FAILED, US_STOPPED], CANCEL).ok).toBe(true);
  });

  it('reaches one that was left out only where its engine may still hold it', () => {
    const left = { reason: 'skip', skipped: true } as const;
    expect(of(again([{ ...US_STOPPED, ...left }], CANCEL), 'us').ended).toBeNull();
    const never = { ...AP_UNSENT, ...left };
    expect(of(again([US_STOPPED, never], CANCEL), 'ap').ended).toBe(never);
  });

  it('ends an apply of which nothing was ever sent', () => {
    const resumed = again([AP_UNSENT], CANCEL);
    expect(of(resumed, 'ap').ended).toMatchObject({ state: 'cancelled', completedAt: AT });
  });

  it('is refused when nothing is left to cancel', () => {
    expect(refusal(again([EU_DONE, US_FAILED], CANCEL))).toBe(
      'apply orders-7f3a has nothing left to cancel (eu is completed, us is failed)',
    );
  });
});

const RESUMPTIONS: readonly Resumption[] = [START, RETRY, CANCEL, { control: 'start', release: true, skip: [] }];

describe('every resumption', () => {
  const ends = [
    EU_DONE,
    US_FAILED,
    US_STOPPED,
    AP_UNSENT,
    { ...US_STOPPED, confirmed: false },
    { ...US_STOPPED, reason: 'engine' as const },
    unsent({ reason: 'skip', skipped: true }),
    outcome({ state: 'failed', skipped: true, confirmed: false }),
    outcome({ state: 'cancelled', reason: 'operator' }),
    outcome({ state: 'cancelled', reason: 'engine' }),
    outcome({ state: 'reverted' }),
  ];

  it('of every closed apply of up to four operations leaves completed work alone, and keeps order and number (I4)', () => {
    let accepted = 0;
    for (const size of [1, 2, 3, 4])
      for (const chosen of multisets(ends, size))
        for (const resumption of RESUMPTIONS) {
          const operations = chosen.map((end, index) => ({ ...end, deployment: `d${index}` }));
          const resumed = again(operations, resumption);
          if (!resumed.ok) continue;
          accepted += 1;
          const problem = problemOf(operations, resumed.carried);
          if (problem !== null) expect.fail(`${problem}: ${JSON.stringify({ operations, resumption })}`);
        }
    expect(accepted).toBeGreaterThan(1_000);
  });

  it('is refused for deployments that the apply does not have', () => {
    for (const resumption of [
      { ...START, skip: ['mars'] },
      { ...RETRY, deployments: ['mars'] },
      { ...RETRY, skip: ['mars'] },
    ])
      expect(refusal(again([EU_DONE, AP_UNSENT], resumption))).toBe(
        'apply orders-7f3a has no deployment mars; it has eu, ap',
      );
  });

  it('keeps what was carried as plain JSON', () => {
    const carried = carriedBy(again([US_FAILED, US_STOPPED, AP_UNSENT], RETRY));
    expect(JSON.parse(JSON.stringify(carried))).toEqual(carried);
  });
});

describe('the waves of a new run', () => {
  const STARTED_AT = '2026-11-01T10:00:00.000Z';
  const approved: WaveRecord = { ...freshWave('rest'), approvedAt: STARTED_AT, approvedBy: 'ann' };

  function carriedWave(record: WaveRecord): WaveRecord | undefined {
    const waves = [wave({ name: 'rest', deployments: ['eu', 'us', 'ap'], gate: 'manual' })];
    const previous = result([US_STOPPED, AP_UNSENT], { waves: [record] });
    const rules = policy('halt', 0, 1, { waves });
    return carriedBy(resume({ previous, policy: rules, resumption: START, by: null, at: STARTED_AT })).waves[0];
  }

  it('keep a yes that was not taken back, and go on where they were', () => {
    expect(carriedWave(approved)).toEqual(approved);
    const started = { ...approved, startedAt: STARTED_AT, endedAt: STARTED_AT };
    expect(carriedWave(started)).toEqual({ ...started, endedAt: null });
  });

  it('ask again at a gate that was rejected or expired, also where it had been approved before', () => {
    for (const barred of ['operator', 'deadline'] as const)
      expect(carriedWave({ ...approved, barred, gateSince: STARTED_AT })).toEqual(freshWave('rest'));
  });
});

/** What no resumption may do, whatever it was asked for. */
function problemOf(operations: readonly OperationOutcome[], carried: CarriedState): string | null {
  if (carried.operations.map(({ deployment }) => deployment).join() !== operations.map((one) => one.deployment).join())
    return 'the deployments are not those of the apply, in order';
  for (const [index, before] of operations.entries()) {
    const initial = carried.operations[index];
    if (initial === undefined) return 'an operation is missing';
    if (before.state === 'completed' && initial.ended !== before) return 'touches completed work';
    if (initial.ended === null && before.skipped && before.state === 'failed') return 'takes up what a person left out';
    if (initial.ended !== null && initial.ended.state !== 'stopped' && initial.ended.completedAt === null)
      return 'an end without a time';
    if (initial.attempt > before.attempt && initial.remoteApplyId !== null)
      return 'a new attempt with an old remote id';
    if (initial.started !== before.started) return 'forgets or invents that it was started';
  }
  return null;
}

describe('the facts of an outcome', () => {
  it('are those of an operation that is over: it answers, and nothing is permitted any more', () => {
    expect(facts(US_FAILED, 1)).toEqual({
      deployment: 'us',
      wave: 1,
      state: 'failed',
      admitted: true,
      permitted: false,
      cutoverRefused: false,
      cutoverAsked: false,
      cancelAsked: false,
      started: true,
      reachable: true,
      reason: null,
      skipped: false,
    });
  });
});
