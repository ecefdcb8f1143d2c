import { expect } from 'vitest';
import { deriveApplyState, deriveWaitingFor } from '../../domain/derive.js';
import type { OperationFacts } from '../../domain/operation.js';
import { CUTOVERS, ON_FAILURE, type RolloutPolicy } from '../../domain/spec.js';
import { STARTED, policy, wave } from './builders.js';
import { type Situation, plainState, plainWait } from './plain-rules.js';
import { everyControls, everyOperation, multisets } from './situations.js';

/** The derivation and its restatement, compared in every situation. */

export const OPERATIONS = everyOperation();

/** Compares code and restatement in every situation, without the cost of an assertion each; gives how many there were. */
export function compareAll(all: Iterable<Situation>): number {
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

export type Rules = Omit<Situation, 'operations'>;

export const EVERY_POLICY = ON_FAILURE.flatMap((onFailure) =>
  [0, 1, 2].map((tolerance) => policy(onFailure, tolerance)),
);

/** Two waves under every cutover; the second has a gate. */
export const TWO_WAVES: readonly RolloutPolicy[] = CUTOVERS.flatMap((cutover) =>
  ON_FAILURE.map((onFailure) => ({
    ...policy(onFailure),
    cutover,
    waves: [wave({ name: 'canary' }), wave({ name: 'rest', gate: 'manual' })],
  })),
);

export const EVERY_RULE: readonly Rules[] = EVERY_POLICY.flatMap((onePolicy) =>
  everyControls().map((controls) => ({ policy: onePolicy, controls, waves: STARTED })),
);

export function* situations(of: {
  readonly sizes: readonly number[];
  readonly chosen: readonly Rules[];
  readonly operations?: readonly OperationFacts[];
}): Generator<Situation> {
  for (const size of of.sizes)
    for (const operations of multisets(of.operations ?? OPERATIONS, size))
      for (const rules of of.chosen) yield { operations, ...rules };
}
