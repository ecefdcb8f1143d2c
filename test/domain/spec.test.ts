import { describe, expect, it } from 'vitest';
import { type ApplySpec, type OnFailure, resolveAmount, resolvePolicy } from '../../domain/spec.js';
import { ROLLOUT } from './builders.js';

function specWith(size: number, rollout: Partial<ApplySpec['rollout']>): Pick<ApplySpec, 'deployments' | 'rollout'> {
  return {
    deployments: Array.from({ length: size }, (_, index) => ({ name: `d${index}`, target: 't', queue: 'skein' })),
    rollout: { ...ROLLOUT, ...rollout },
  };
}

describe('an amount', () => {
  it.each([
    ['25%', 10, 2],
    ['25%', 3, 0],
    ['99%', 100, 99],
    ['100%', 7, 7],
    ['0%', 7, 0],
    [5, 3, 5],
  ] as const)('of %s among %i is %i: a percentage is rounded down', (amount, size, expected) => {
    expect(resolveAmount(amount, size)).toBe(expected);
  });
});

describe('a frozen policy', () => {
  it('lets at least one operation run, however small the percentage', () => {
    expect(resolvePolicy(specWith(3, { maxConcurrency: '10%' })).waves[0]?.maxConcurrency).toBe(1);
    expect(resolvePolicy(specWith(3, { maxConcurrency: '0%' })).waves[0]?.maxConcurrency).toBe(1);
    expect(resolvePolicy(specWith(40, { maxConcurrency: '10%' })).waves[0]?.maxConcurrency).toBe(4);
  });

  it('tolerates nothing where a percentage comes to less than one', () => {
    expect(resolvePolicy(specWith(3, { failureTolerance: '10%' })).waves[0]?.failureTolerance).toBe(0);
  });

  it('acts as halt on a value that is none of ours', () => {
    const unknown = 'explode' as OnFailure; // what a later version of the client may send
    expect(resolvePolicy(specWith(3, { onFailure: unknown })).onFailure).toBe('halt');
    expect(resolvePolicy(specWith(3, { onFailure: 'pause' })).onFailure).toBe('pause');
  });
});
