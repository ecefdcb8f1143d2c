import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveApplyState, deriveWaitingFor } from '../../domain/derive.js';
import { EVERY_POLICY, EVERY_RULE, OPERATIONS, type Rules, TWO_WAVES, compareAll, situations } from './compare.js';
import { NO_CONTROLS, STARTED, policy } from './builders.js';
import type { Situation } from './plain-rules.js';
import { everyControls, everyTwoWaves, multisets } from './situations.js';

describe('the derived state and what an apply waits for', () => {
  it('follow the written rules for up to three operations in every state, under every policy and control', () => {
    expect(compareAll(situations({ sizes: [1, 2, 3], chosen: EVERY_RULE }))).toBeGreaterThan(1_000_000);
  });

  it('follow the written rules for two operations in two waves, under every cutover, gate, bake and bar', () => {
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

  it('follow the written rules for four operations in every state', () => {
    const alike = ['policy', 'deadline']; // the rules treat them as they treat `operator`, which the test above shows
    const operations = OPERATIONS.filter(({ reason }) => reason === null || !alike.includes(reason));
    const chosen: readonly Rules[] = [
      { policy: policy('halt', 0), controls: NO_CONTROLS, waves: STARTED },
      { policy: policy('pause', 0), controls: NO_CONTROLS, waves: STARTED },
      { policy: policy('pause', 1), controls: NO_CONTROLS, waves: STARTED },
      { policy: policy('pause', 0), controls: { ...NO_CONTROLS, release: true }, waves: STARTED },
      { policy: policy('continue', 0), controls: { ...NO_CONTROLS, stop: true }, waves: STARTED },
      { policy: policy('halt', 0), controls: { ...NO_CONTROLS, cancel: true }, waves: STARTED },
    ];
    expect(compareAll(situations({ sizes: [4], chosen, operations }))).toBeGreaterThan(600_000);
  });

  it('do not depend on the order of the operations (I5)', () => {
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
