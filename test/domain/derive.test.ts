import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveApplyState, deriveWaitingFor, isPolicyOpen, WAITS_FOR_PERSON } from '../../domain/derive.js';
import { type OperationFacts, isSetback } from '../../domain/operation.js';
import { CUTOVERS, ON_FAILURE, type RolloutPolicy } from '../../domain/spec.js';
import { APPLY_STATE, APPLY_STATES, hasEnded } from '../../domain/state.js';
import { HALT, NO_CONTROLS, STARTED, operation, policy, wave } from './builders.js';
import { type Situation, plainState, plainWait } from './plain-rules.js';
import { everyControls, everyOperation, everyTwoWaves, multisets } from './situations.js';

const OPERATIONS = everyOperation();

/** Walking through all situations takes two seconds on an idle machine, and many times that on a busy one. */
const LIMIT = { timeout: 120_000 };

/** Compares code and restatement in every situation, without the cost of an assertion each; gives how many there were. */
function compareAll(all: Iterable<Situation>): number {
  let compared = 0;
  for (const situation of all) {
    compared += 1;
    const state = deriveApplyState(situation);
    const waitingFor = deriveWaitingFor(situation);
    if (state !== plainState(situation) || waitingFor !== plainWait(situation))
      expect({ state, waitingFor }, JSON.stringify(situation)).toEqual({
        state: plainState(situation),
        waitingFor: plainWait(situation),
      });
  }
  return compared;
}

type Rules = Omit<Situation, 'operations'>;

const EVERY_POLICY = ON_FAILURE.flatMap((onFailure) => [0, 1, 2].map((tolerance) => policy(onFailure, tolerance)));

/** Two waves under every cutover; the second has a gate. */
const TWO_WAVES: readonly RolloutPolicy[] = CUTOVERS.flatMap((cutover) =>
  ON_FAILURE.map((onFailure) => ({
    ...policy(onFailure),
    cutover,
    waves: [wave({ name: 'canary' }), wave({ name: 'rest', gate: 'manual' })],
  })),
);

const EVERY_RULE: readonly Rules[] = EVERY_POLICY.flatMap((onePolicy) =>
  everyControls().map((controls) => ({ policy: onePolicy, controls, waves: STARTED })),
);

function* situations(of: {
  readonly sizes: readonly number[];
  readonly chosen: readonly Rules[];
  readonly operations?: readonly OperationFacts[];
}): Generator<Situation> {
  for (const size of of.sizes)
    for (const operations of multisets(of.operations ?? OPERATIONS, size))
      for (const rules of of.chosen) yield { operations, ...rules };
}

describe('the derived state and what an apply waits for', () => {
  it('follow the written rules for up to three operations in every state, under every policy and control', {
    timeout: 60_000,
  }, () => {
    expect(compareAll(situations({ sizes: [1, 2, 3], chosen: EVERY_RULE }))).toBeGreaterThan(1_000_000);
  });

  it('follow the written rules for two operations in two waves, under every cutover, gate, bake and bar', LIMIT, () => {
    const pairs = [...multisets(OPERATIONS, 2)].flatMap(([first, second]) =>
      first === undefined || second === undefined
        ? []
        : [
            [first, { ...second, wave: 1 }],
            [{ ...first, wave: 1 }, second],
          ],
    );
    function* all(): Generator<Situation> {
      for (const operations of pairs)
        for (const waves of everyTwoWaves())
          for (const onePolicy of TWO_WAVES)
            for (const release of [false, true])
              yield { operations, waves, policy: onePolicy, controls: { ...NO_CONTROLS, release } };
    }
    expect(compareAll(all())).toBeGreaterThan(500_000);
  });

  it('follow the written rules for four operations in every state', LIMIT, () => {
    const alike = ['policy', 'deadline']; // the rules treat them as they treat `operator`, which the test above shows
    const operations = OPERATIONS.filter(({ reason }) => reason === null || !alike.includes(reason));
    const chosen: readonly Omit<Situation, 'operations'>[] = [
      { policy: policy('halt', 0), controls: NO_CONTROLS, waves: STARTED },
      { policy: policy('pause', 0), controls: NO_CONTROLS, waves: STARTED },
      { policy: policy('pause', 1), controls: NO_CONTROLS, waves: STARTED },
      { policy: policy('pause', 0), controls: { ...NO_CONTROLS, release: true }, waves: STARTED },
      { policy: policy('continue', 0), controls: { ...NO_CONTROLS, stop: true }, waves: STARTED },
      { policy: policy('halt', 0), controls: { ...NO_CONTROLS, cancel: true }, waves: STARTED },
    ];
    expect(compareAll(situations({ sizes: [4], chosen, operations }))).toBeGreaterThan(600_000);
  });

  it('do not depend on the order of the operations (I5)', LIMIT, () => {
    const situation = fc.record({
      operations: fc.array(fc.constantFrom(...OPERATIONS), { minLength: 1, maxLength: 12 }),
      policy: fc.constantFrom(...EVERY_POLICY),
      controls: fc.constantFrom(...everyControls()),
      waves: fc.constant(STARTED),
    });
    fc.assert(
      fc.property(situation, fc.infiniteStream(fc.nat()), ({ operations, ...rest }, randoms) => {
        const shuffled = operations
          .map((item) => ({ item, rank: randoms.next().value ?? 0 }))
          .toSorted((one, other) => one.rank - other.rank)
          .map(({ item }) => item);
        expect(deriveApplyState({ ...rest, operations: shuffled })).toBe(deriveApplyState({ ...rest, operations }));
        expect(deriveWaitingFor({ ...rest, operations: shuffled })).toBe(deriveWaitingFor({ ...rest, operations }));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the derived state', () => {
  it('is an end exactly when every operation has ended, and then nothing is waited for (I3)', LIMIT, () => {
    const wrong = [...situations({ sizes: [1, 2], chosen: EVERY_RULE })].filter((situation) => {
      const allEnded = situation.operations.every(({ state }) => hasEnded(state));
      const isEnd = APPLY_STATE[deriveApplyState(situation)].ended;
      return isEnd !== allEnded || (allEnded && deriveWaitingFor(situation) !== null);
    });
    expect(wrong).toEqual([]);
  });

  it('reads pending only while nothing was started', LIMIT, () => {
    const started = [...situations({ sizes: [1, 2], chosen: EVERY_RULE })].filter(({ operations }) =>
      operations.some((one) => one.started),
    );
    expect(started.length).toBeGreaterThan(0);
    expect(started.filter((situation) => deriveApplyState(situation) === 'pending')).toEqual([]);
  });

  it('reaches every apply state there is', LIMIT, () => {
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
  it(
    'is a person exactly for a release, a cutover or a gate, and is nobody while an engine that answers is at work',
    LIMIT,
    () => {
      expect(WAITS_FOR_PERSON).toEqual(['release', 'cutover', 'gate']);
      const atWork = [...situations({ sizes: [1, 2], chosen: EVERY_RULE })].filter(({ operations }) =>
        operations.some(({ state, reachable }) => reachable && (state === 'running' || state === 'dispatching')),
      );
      expect(atWork.length).toBeGreaterThan(0);
      expect(atWork.filter((situation) => deriveWaitingFor(situation) !== null)).toEqual([]);
    },
  );

  it('is always named when nothing moves by itself (I8)', () => {
    const unreachable = operation({ state: 'running', admitted: true, started: true, reachable: false });
    expect(deriveWaitingFor({ policy: HALT, operations: [unreachable], controls: NO_CONTROLS, waves: STARTED })).toBe('engine');
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

describe('the policy', () => {
  it('is open up to its tolerance, always under continue, and for good once released', () => {
    const failed = (count: number, index = 0) =>
      Array.from({ length: count }, () => operation({ state: 'failed', wave: index }));
    const isOpen = (rules: RolloutPolicy, operations: readonly OperationFacts[], release = false) =>
      isPolicyOpen({ policy: rules, operations, controls: { release } });
    expect(isOpen(policy('halt', 1), failed(1))).toBe(true);
    expect(isOpen(policy('halt', 1), failed(2))).toBe(false);
    expect(isOpen(policy('pause', 0), failed(1))).toBe(false);
    expect(isOpen(policy('continue', 0), failed(99))).toBe(true);
    expect(isOpen(policy('pause', 0), failed(99), true)).toBe(true);
  });

  it('tolerates setbacks per wave, and is closed by any wave that has too many', () => {
    const waves = [wave({ failureTolerance: 1 }), wave({ failureTolerance: 1 })];
    const rules = policy('halt', 0, 1, { waves });
    const failed = (index: number) => operation({ state: 'failed', wave: index });
    const isOpen = (operations: readonly OperationFacts[]) =>
      isPolicyOpen({ policy: rules, operations, controls: NO_CONTROLS });
    expect(isOpen([failed(0), failed(1)])).toBe(true);
    expect(isOpen([failed(1), failed(1)])).toBe(false);
    expect(isOpen([failed(0), failed(0)])).toBe(false);
  });
});
