import { describe, expect, it } from 'vitest';
import { deriveApplyState, deriveWaitingFor, isPolicyOpen, WAITS_FOR_PERSON } from '../../domain/derive.js';
import { type OperationFacts, isSetback } from '../../domain/operation.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import { APPLY_STATE, APPLY_STATES, hasEnded } from '../../domain/state.js';
import { HALT, NO_CONTROLS, STARTED, operation, policy, wave } from './builders.js';
import { EVERY_RULE, compareAll, situations } from './compare.js';

describe('the derived state and what an apply waits for', () => {
  it('follow the written rules for up to two operations in every state, under every policy and control', () => {
    expect(compareAll(situations({ sizes: [1, 2], chosen: EVERY_RULE }))).toBeGreaterThan(50_000);
  });
});

describe('the derived state', () => {
  it('is an end exactly when every operation has ended, and then nothing is waited for (I3)', () => {
    const wrong = [...situations({ sizes: [1, 2], chosen: EVERY_RULE })].filter((situation) => {
      const allEnded = situation.operations.every(({ state }) => hasEnded(state));
      const isEnd = APPLY_STATE[deriveApplyState(situation)].ended;
      return isEnd !== allEnded || (allEnded && deriveWaitingFor(situation) !== null);
    });
    expect(wrong).toEqual([]);
  });

  it('reads pending only while nothing was started', () => {
    const started = [...situations({ sizes: [1, 2], chosen: EVERY_RULE })].filter(({ operations }) =>
      operations.some((one) => one.started),
    );
    expect(started.length).toBeGreaterThan(0);
    expect(started.filter((situation) => deriveApplyState(situation) === 'pending')).toEqual([]);
  });

  it('reaches every apply state there is', () => {
    const reached = new Set<string>();
    for (const situation of situations({ sizes: [1, 2], chosen: EVERY_RULE })) reached.add(deriveApplyState(situation));
    expect([...reached].toSorted()).toEqual([...APPLY_STATES].toSorted());
  });

  it('of an apply without operations is pending, never an end', () => {
    expect(deriveApplyState({ policy: HALT, operations: [], controls: NO_CONTROLS, waves: STARTED })).toBe('pending');
  });

  it('is paused only while something is held: a setback in the last operation leaves it running, degraded', () => {
    const failed = operation({ state: 'failed', admitted: true, started: true });
    const running = operation({ state: 'running', admitted: true, started: true });
    const rules = { policy: policy('pause', 0), controls: NO_CONTROLS, waves: STARTED };
    expect(deriveApplyState({ ...rules, operations: [failed, running] })).toBe('running_degraded');
    expect(deriveApplyState({ ...rules, operations: [failed, running, operation()] })).toBe('paused');
  });

  it('of a failed apply stays failed within the tolerance, and when the failed one was skipped', () => {
    const failed = operation({ state: 'failed', admitted: true, started: true });
    for (const skipped of [false, true])
      expect(
        deriveApplyState({
          policy: policy('halt', 5),
          operations: [{ ...failed, skipped }, operation({ state: 'completed' })],
          controls: NO_CONTROLS,
          waves: STARTED,
        }),
      ).toBe('failed');
  });
});

describe('what an apply waits for', () => {
  it('is a person exactly for a release, a cutover or a gate, and is nobody while an engine that answers is at work', () => {
    expect(WAITS_FOR_PERSON).toEqual(['release', 'cutover', 'gate']);
    const atWork = [...situations({ sizes: [1, 2], chosen: EVERY_RULE })].filter(({ operations }) =>
      operations.some(({ state, reachable }) => reachable && (state === 'running' || state === 'dispatching')),
    );
    expect(atWork.length).toBeGreaterThan(0);
    expect(atWork.filter((situation) => deriveWaitingFor(situation) !== null)).toEqual([]);
  });

  it('is always named when nothing moves by itself (I8)', () => {
    const unreachable = operation({ state: 'running', admitted: true, started: true, reachable: false });
    expect(deriveWaitingFor({ policy: HALT, operations: [unreachable], controls: NO_CONTROLS, waves: STARTED })).toBe(
      'engine',
    );
  });

  it('is the engine, not a person, for one that was permitted to cut over and does not answer', () => {
    const failed = operation({ state: 'failed', admitted: true, started: true });
    const permitted = operation({
      state: 'waiting_for_cutover',
      admitted: true,
      started: true,
      permitted: true,
      reachable: false,
    });
    const situation = { policy: HALT, controls: NO_CONTROLS, waves: STARTED };
    expect(deriveWaitingFor({ ...situation, operations: [failed, permitted] })).toBe('engine');
    expect(deriveWaitingFor({ ...situation, operations: [failed, { ...permitted, permitted: false }] })).toBe(
      'cutover',
    );
  });
});

describe('a setback', () => {
  it('is a failure that was not skipped, a revert, and an end that someone else brought about on the engine', () => {
    expect(isSetback(operation({ state: 'failed' }))).toBe(true);
    expect(isSetback(operation({ state: 'reverted' }))).toBe(true);
    expect(isSetback(operation({ state: 'stopped', reason: 'engine' }))).toBe(true);
    expect(isSetback(operation({ state: 'cancelled', reason: 'engine' }))).toBe(true);
  });

  it("is no end by an operator's stop, cancel or skip, by the policy or by a deadline", () => {
    for (const reason of ['operator', 'skip', 'policy', 'deadline'] as const)
      for (const state of ['stopped', 'cancelled'] as const)
        expect(isSetback(operation({ state, reason }))).toBe(false);
    expect(isSetback(operation({ state: 'failed', skipped: true }))).toBe(false);
    expect(isSetback(operation({ state: 'completed' }))).toBe(false);
    expect(isSetback(operation({ state: 'failed_retryable' }))).toBe(false);
  });
});

function failures(count: number, index = 0): readonly OperationFacts[] {
  return Array.from({ length: count }, () => operation({ state: 'failed', wave: index }));
}

function isOpen(rules: RolloutPolicy, operations: readonly OperationFacts[], release = false): boolean {
  return isPolicyOpen({ policy: rules, operations, controls: { release } });
}

describe('the policy', () => {
  it('is open up to its tolerance, always under continue, and for good once released', () => {
    expect(isOpen(policy('halt', 1), failures(1))).toBe(true);
    expect(isOpen(policy('halt', 1), failures(2))).toBe(false);
    expect(isOpen(policy('pause', 0), failures(1))).toBe(false);
    expect(isOpen(policy('continue', 0), failures(99))).toBe(true);
    expect(isOpen(policy('pause', 0), failures(99), true)).toBe(true);
  });

  it('tolerates setbacks per wave, and is closed by any wave that has too many', () => {
    const waves = [wave({ failureTolerance: 1 }), wave({ failureTolerance: 1 })];
    const rules = policy('halt', 0, 1, { waves });
    expect(isOpen(rules, [...failures(1, 0), ...failures(1, 1)])).toBe(true);
    expect(isOpen(rules, failures(2, 1))).toBe(false);
    expect(isOpen(rules, failures(2, 0))).toBe(false);
  });
});
