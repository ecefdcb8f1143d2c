import { describe, expect, it } from 'vitest';
import { type Decision, type RolloutOperation, decide } from '../../domain/rollout.js';
import { CUTOVERS, type OnFailure, type RolloutPolicy } from '../../domain/spec.js';
import type { OperationState } from '../../domain/state.js';
import { NO_CONTROLS, operation, policy, wave } from './builders.js';

/** The situations of docs/scenarios.md that are about order: who may go, and who may cut over, after whom. */

const EVERY_POLICY: readonly OnFailure[] = ['halt', 'continue', 'pause'];

/** Called `a`, `b`, … in rollout order. */
function inOrder(...given: readonly Partial<RolloutOperation>[]): readonly RolloutOperation[] {
  return given.map((one, index) => ({
    ...operation({ deployment: String.fromCharCode('a'.charCodeAt(0) + index) }),
    resumes: false,
    atRest: true,
    ...one,
  }));
}

const PENDING: Partial<RolloutOperation> = {};
const PARKED = at('waiting_for_cutover');

function at(state: OperationState, given: Partial<RolloutOperation> = {}): Partial<RolloutOperation> {
  return { state, admitted: true, started: true, ...given };
}

function decideNow(operations: readonly RolloutOperation[], rules: RolloutPolicy, controls = NO_CONTROLS): Decision {
  const waves = rules.waves.map((_, index) => ({ started: index === 0, baked: true, approved: false, barred: null }));
  return decide({ policy: rules, operations, waves, controls });
}

function admits(operations: readonly RolloutOperation[], rules: RolloutPolicy): readonly string[] {
  return decideNow(operations, rules).admit;
}

function permits(operations: readonly RolloutOperation[], rules: RolloutPolicy): readonly string[] {
  return decideNow(operations, rules).permit;
}

describe('who goes next', () => {
  it('is nobody while one is on its way, whatever the cutover: the width is one unless the spec says more', () => {
    for (const cutover of CUTOVERS)
      for (const state of ['dispatching', 'running', 'failed_retryable'] as const)
        expect(admits(inOrder(at(state), PENDING), policy('halt', 0, 1, { cutover })), state).toEqual([]);
  });

  it('is the next in the list once the one before has completed', () => {
    for (const cutover of CUTOVERS)
      expect(admits(inOrder(at('completed'), PENDING, PENDING), policy('halt', 0, 1, { cutover }))).toEqual(['b']);
  });

  it('is the next in the list once the one before parks, cuts over or is in its revert window, whatever the cutover', () => {
    for (const cutover of CUTOVERS)
      for (const state of ['waiting_for_cutover', 'cutting_over', 'revert_window'] as const)
        expect(admits(inOrder(at(state), PENDING), policy('halt', 0, 1, { cutover })), state).toEqual(['b']);
  });

  it('is everybody at once where the width is that of the list', () => {
    expect(admits(inOrder(PENDING, PENDING, PENDING), policy('halt', 0, 3))).toEqual(['a', 'b', 'c']);
    expect(admits(inOrder(at('running'), PENDING, PENDING), policy('halt', 0, 3))).toEqual(['b', 'c']);
  });

  it('after a failure is nobody under halt and pause, at every width and cutover, and the next under continue', () => {
    for (const cutover of CUTOVERS)
      for (const width of [1, 9]) {
        const operations = inOrder(at('failed'), PENDING);
        expect(admits(operations, policy('halt', 0, width, { cutover }))).toEqual([]);
        expect(admits(operations, policy('pause', 0, width, { cutover }))).toEqual([]);
        expect(admits(operations, policy('continue', 0, width, { cutover }))).toEqual(['b']);
        expect(admits(inOrder(at('failed'), at('running'), PENDING), policy('continue', 0, 1, { cutover }))).toEqual(
          [],
        );
      }
  });

  it('after a revert, or an end that someone else brought about on the engine, is as after a failure', () => {
    for (const setback of [
      at('reverted'),
      at('stopped', { reason: 'engine' }),
      at('cancelled', { reason: 'engine' }),
    ]) {
      expect(admits(inOrder(setback, PENDING), policy('halt'))).toEqual([]);
      expect(admits(inOrder(setback, PENDING), policy('pause'))).toEqual([]);
      expect(admits(inOrder(setback, PENDING), policy('continue'))).toEqual(['b']);
    }
  });

  it('after one that a person skipped or cancelled is the next, under every policy', () => {
    for (const onFailure of EVERY_POLICY)
      for (const ended of [
        at('failed', { skipped: true }),
        { state: 'stopped', reason: 'skip', skipped: true } as const,
        at('cancelled', { reason: 'operator' }),
      ])
        expect(admits(inOrder(ended, PENDING), policy(onFailure))).toEqual(['b']);
  });

  it('is nobody of a later wave while anything of an earlier one has not ended, whatever the failures', () => {
    for (const onFailure of EVERY_POLICY) {
      const waves = [wave({ name: 'one', maxConcurrency: 9 }), wave({ name: 'two', maxConcurrency: 9 })];
      const rules = policy(onFailure, 0, 1, { waves });
      const later = { wave: 1 };
      for (const state of ['running', 'waiting_for_cutover', 'revert_window'] as const)
        expect(decideNow(inOrder(at('completed'), at(state), later), rules), state).toMatchObject({
          admit: [],
          startWave: null,
        });
      expect(decideNow(inOrder(at('completed'), at('completed'), later), rules).startWave).toBe(1);
    }
  });
});

describe('whose turn it is to cut over', () => {
  const ordered = policy('halt', 0, 9, { cutover: 'ordered' });
  const barrier = policy('halt', 0, 9, { cutover: 'barrier' });

  it('in order is the first that is parked, one at a time, and only when all before it have passed', () => {
    expect(permits(inOrder(PARKED, PARKED, PARKED), ordered)).toEqual(['a']);
    expect(permits(inOrder({ ...PARKED, permitted: true }, PARKED), ordered)).toEqual([]);
    expect(permits(inOrder(at('cutting_over'), PARKED), ordered)).toEqual([]);
    expect(permits(inOrder(at('running'), PARKED), ordered)).toEqual([]);
    expect(permits(inOrder(at('completed'), PARKED, PARKED), ordered)).toEqual(['b']);
  });

  it('behind a barrier is nobody until all of the wave are parked or passed, then one after the other', () => {
    expect(permits(inOrder(PARKED, at('running')), barrier)).toEqual([]);
    expect(permits(inOrder(PARKED, PENDING), barrier)).toEqual([]);
    expect(permits(inOrder(PARKED, PARKED), barrier)).toEqual(['a']);
    expect(permits(inOrder(at('cutting_over'), PARKED), barrier)).toEqual([]);
    expect(permits(inOrder(at('completed'), PARKED), barrier)).toEqual(['b']);
  });

  it('is that of the next while the one before is in its revert window', () => {
    for (const rules of [ordered, barrier]) expect(permits(inOrder(at('revert_window'), PARKED), rules)).toEqual(['b']);
  });

  it('after a failure is nobody’s under halt and pause, and that of the next under continue and once released', () => {
    const operations = inOrder(at('failed'), PARKED);
    for (const cutover of ['ordered', 'barrier', 'rolling'] as const) {
      expect(permits(operations, policy('halt', 0, 9, { cutover }))).toEqual([]);
      expect(permits(operations, policy('pause', 0, 9, { cutover }))).toEqual([]);
      expect(permits(operations, policy('continue', 0, 9, { cutover }))).toEqual(['b']);
      const released = { ...NO_CONTROLS, release: true };
      expect(decideNow(operations, policy('pause', 0, 9, { cutover }), released).permit).toEqual(['b']);
    }
  });

  it('under manual is nobody’s until a person asks', () => {
    const manual = policy('halt', 0, 9, { cutover: 'manual' });
    expect(permits(inOrder(PARKED, PARKED), manual)).toEqual([]);
    expect(permits(inOrder(PARKED, { ...PARKED, cutoverAsked: true }), manual)).toEqual(['b']);
  });

  it('in a rolling rollout is everybody’s at once', () => {
    expect(permits(inOrder(at('running'), PARKED, PARKED), policy('halt', 0, 9))).toEqual(['b', 'c']);
  });

  it('is nobody’s any more once a stop is in force: what is parked is stopped on its engine', () => {
    for (const cutover of CUTOVERS) {
      const asked = { ...PARKED, cutoverAsked: true };
      const decision = decideNow(inOrder(PARKED, asked), policy('halt', 0, 9, { cutover }), {
        ...NO_CONTROLS,
        stop: true,
      });
      expect(decision).toMatchObject({ permit: [], halt: [{ deployment: 'a' }, { deployment: 'b' }] });
    }
  });
});

describe('a stop', () => {
  it('leaves alone a change that is live: its revert window and its revert come to their own end', () => {
    for (const controls of [
      { ...NO_CONTROLS, stop: true },
      { ...NO_CONTROLS, cancel: true },
    ]) {
      const decision = decideNow(inOrder(at('revert_window'), at('reverting'), PENDING), policy('halt'), controls);
      expect(decision.halt).toEqual([]);
      expect(decision.end.map(({ deployment }) => deployment)).toEqual(['c']);
      expect(decision.settle).toBe(false);
    }
  });
});
