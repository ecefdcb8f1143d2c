import { describe, expect, it } from 'vitest';
import { type Decision, type RolloutOperation, decide } from '../../domain/rollout.js';
import { CUTOVERS, type RolloutPolicy } from '../../domain/spec.js';
import type { WaveFacts } from '../../domain/wave.js';
import { HALT, NO_CONTROLS, STARTED, operation, policy } from './builders.js';
import { type Nature, createWorld } from './rollout-world.js';
import { walkAll } from './walk.js';

describe('in every order of events', () => {
  it('every decision about two operations keeps to the rules, and everything can end', () => {
    const nature: Nature = { ends: ['completed', 'failed'], parks: true, people: ['stop', 'release', 'cutover'] };
    const policies = CUTOVERS.map((cutover) => policy('pause', 0, 1, { cutover }));
    expect(walkAll({ starts: [createWorld(['fresh', 'fresh'])], policies, nature }).worlds).toBeGreaterThan(300);
  });
});

function waiting(deployment: string, given: Partial<RolloutOperation> = {}): RolloutOperation {
  return { ...operation({ deployment }), resumes: false, atRest: true, ...given };
}

function inState(deployment: string, state: RolloutOperation['state'], given: Partial<RolloutOperation> = {}) {
  return waiting(deployment, { state, admitted: true, started: true, ...given });
}

function decideNow(
  operations: readonly RolloutOperation[],
  rules: RolloutPolicy = HALT,
  controls = NO_CONTROLS,
  waves: readonly WaveFacts[] = STARTED,
): Decision {
  return decide({ policy: rules, operations, waves, controls });
}

describe('a decision', () => {
  it('lets those with a remote apply go first, in list order, and within the width', () => {
    const operations = [
      waiting('a'),
      waiting('b', { resumes: true, started: true }),
      waiting('c'),
      waiting('d', { resumes: true, started: true }),
    ];
    expect(decideNow(operations).admit).toEqual(['b']);
    expect(decideNow(operations, policy('halt', 0, 3)).admit).toEqual(['b', 'd', 'a']);
  });

  it('counts neither parked operations nor cutovers nor revert windows against the width', () => {
    for (const state of ['waiting_for_cutover', 'cutting_over', 'revert_window', 'reverting'] as const)
      expect(decideNow([inState('a', state), waiting('b')]).admit, state).toEqual(['b']);
    for (const state of ['dispatching', 'running', 'failed_retryable'] as const)
      expect(decideNow([inState('a', state), waiting('b')]).admit, state).toEqual([]);
    expect(decideNow([waiting('a', { admitted: true }), waiting('b')]).admit, 'admitted').toEqual([]);
  });

  it('under a policy closed by halt ends what waits as stopped by the policy, and leaves alone what runs', () => {
    const decision = decideNow([inState('a', 'failed'), inState('b', 'running'), waiting('c')], policy('halt', 0, 9));
    expect(decision).toEqual({
      ...NOTHING,
      end: [{ deployment: 'c', as: 'stopped', reason: 'policy' }],
    });
  });

  it('under a policy closed by halt ends on its engine what may still be alive there', () => {
    const decision = decideNow([inState('a', 'failed'), waiting('b', { started: true, atRest: false })]);
    expect(decision).toEqual({ ...NOTHING, halt: [{ deployment: 'b', by: 'stop', reason: 'policy' }] });
  });

  it('under a policy closed by pause does nothing at all, until a release', () => {
    const operations = [inState('a', 'failed'), waiting('b')];
    expect(decideNow(operations, policy('pause'))).toEqual(NOTHING);
    expect(decideNow(operations, policy('pause'), { ...NO_CONTROLS, release: true }).admit).toEqual(['b']);
  });

  it('permits at once an engine that parks in spite of a rolling cutover, unless it refused or has its permission', () => {
    const parked = inState('a', 'waiting_for_cutover');
    expect(decideNow([parked]).permit).toEqual(['a']);
    expect(decideNow([{ ...parked, cutoverRefused: true }]).permit).toEqual([]);
    expect(decideNow([{ ...parked, permitted: true }]).permit).toEqual([]);
    expect(decideNow([inState('b', 'failed'), parked]).permit).toEqual([]);
  });

  it('on a stop ends what was never admitted without a call, and halts everything else on its engine', () => {
    const operations = [
      inState('a', 'completed'),
      inState('b', 'running'),
      inState('c', 'waiting_for_cutover'),
      waiting('d'),
      waiting('e', { started: true, resumes: true }),
      waiting('f', { started: true, atRest: false }),
    ];
    const decision = decideNow(operations, HALT, { ...NO_CONTROLS, stop: true });
    expect(decision.end.map(({ deployment, as }) => `${deployment} ${as}`)).toEqual(['d stopped', 'e stopped']);
    expect(decision.halt.map(({ deployment, by }) => `${deployment} ${by}`)).toEqual(['b stop', 'c stop', 'f stop']);
    expect([...decision.end, ...decision.halt].every(({ reason }) => reason === 'operator')).toBe(true);
  });

  it('on a cancel reaches on its engine also what an earlier run left stopped there, and a cancel outranks a stop', () => {
    const operations = [waiting('a'), waiting('b', { started: true, resumes: true }), inState('c', 'running')];
    const decision = decideNow(operations, HALT, { stop: true, cancel: true, release: false });
    expect(decision.end).toEqual([{ deployment: 'a', as: 'cancelled', reason: 'operator' }]);
    expect(decision.halt.map(({ deployment, by }) => `${deployment} ${by}`)).toEqual(['b cancel', 'c cancel']);
  });

  it('ends what a person cancels as that, also in a wave that is barred', () => {
    const barred: readonly WaveFacts[] = [{ started: false, baked: false, approved: false, barred: 'operator' }];
    const operations = [
      waiting('a', { cancelAsked: true }),
      waiting('b', { cancelAsked: true, started: true, resumes: true }),
      waiting('c'),
    ];
    const decision = decideNow(operations, HALT, NO_CONTROLS, barred);
    expect(decision.end.map(({ deployment, as }) => `${deployment} ${as}`)).toEqual(['a cancelled', 'c stopped']);
    expect(decision.halt.map(({ deployment, by }) => `${deployment} ${by}`)).toEqual(['b cancel']);
  });

  it('settles exactly when every operation has ended', () => {
    expect(decideNow([inState('a', 'completed'), inState('b', 'stopped')])).toEqual({ ...NOTHING, settle: true });
    expect(decideNow([inState('a', 'completed'), inState('b', 'reverting')]).settle).toBe(false);
  });
});

const NOTHING: Decision = { end: [], halt: [], startWave: null, admit: [], permit: [], wait: null, settle: false };
