import { describe, expect, it } from 'vitest';
import { CUTOVERS, ON_FAILURE, type RolloutPolicy } from '../../domain/spec.js';
import { policy, wave } from './builders.js';
import { type Nature, createWorld } from './rollout-world.js';
import { walkAll } from './walk.js';

const POLICIES = [
  policy('halt', 0, 1),
  policy('halt', 0, 2),
  policy('halt', 1, 1),
  policy('continue', 0, 1),
  policy('pause', 0, 1),
  policy('pause', 0, 2),
  policy('pause', 1, 2),
];

describe('in every order of events every decision keeps to the rules, and everything can end', () => {
  it('with engines that park, refuse to cut over, and are stopped by someone else', () => {
    const starts = [createWorld(['fresh', 'fresh']), createWorld(['fresh', 'resumable'])];
    const nature: Nature = {
      ends: ['completed', 'failed', 'stopped'],
      parks: true,
      people: ['stop', 'cancel', 'release'],
    };
    const totals = walkAll({ starts, policies: POLICIES, nature });
    expect(totals.worlds).toBeGreaterThan(4_000);
  });

  it('with people who retry and skip at every moment, and attempts whose end nobody knows', () => {
    const starts = [
      createWorld(['fresh', 'fresh']),
      createWorld(['unsettled', 'fresh']),
      createWorld(['resumable', 'unsettled']),
    ];
    const nature: Nature = {
      ends: ['completed', 'failed', 'reverted'],
      parks: false,
      people: ['stop', 'cancel', 'release', 'retry', 'skip'],
    };
    const totals = walkAll({ starts, policies: POLICIES, nature });
    expect(totals.worlds).toBeGreaterThan(10_000);
  });

  it('with four operations at every width', () => {
    const starts = [
      createWorld(['fresh', 'fresh', 'fresh', 'fresh']),
      createWorld(['fresh', 'fresh', 'resumable', 'fresh']),
    ];
    const nature: Nature = { ends: ['completed', 'failed'], parks: false, people: ['stop', 'release'] };
    const policies = ON_FAILURE.flatMap((onFailure) =>
      [0, 1].flatMap((tolerance) => [1, 2, 3, 4].map((width) => policy(onFailure, tolerance, width))),
    );
    const totals = walkAll({ starts, policies, nature });
    expect(totals.worlds).toBeGreaterThan(10_000);
  });
});

function gated(
  cutover: RolloutPolicy['cutover'],
  onFailure: RolloutPolicy['onFailure'],
  inFlight: RolloutPolicy['inFlight'],
): RolloutPolicy {
  return policy(onFailure, 0, 1, {
    cutover,
    inFlight,
    waves: [
      wave({ name: 'canary', maxConcurrency: 2 }),
      wave({ name: 'rest', maxConcurrency: 2, gate: 'manual', expiresAfterMs: 1 }),
    ],
  });
}

describe('in every order of events of waves and cutovers as well', () => {
  it('with a canary that bakes, a gate that is approved, rejected or expires, and every cutover', () => {
    const nature: Nature = {
      ends: ['completed', 'failed'],
      parks: true,
      people: ['stop', 'release', 'approve', 'reject', 'cutover'],
    };
    const policies = CUTOVERS.flatMap((cutover) => ON_FAILURE.map((onFailure) => gated(cutover, onFailure, 'finish')));
    const starts = [createWorld(['fresh', 'fresh'], [0, 1]), createWorld(['fresh', 'resumable'], [0, 1])];
    expect(walkAll({ starts, policies, nature }).worlds).toBeGreaterThan(3_000);
  });

  it('with three operations in one wave that park, refuse, fail, are reverted, and are cut over by a person', () => {
    const nature: Nature = {
      ends: ['completed', 'failed'],
      parks: true,
      windows: true,
      people: ['cutover', 'release'],
    };
    const policies = CUTOVERS.filter((cutover) => cutover !== 'rolling').flatMap((cutover) =>
      ON_FAILURE.map((onFailure) => policy(onFailure, 0, 3, { cutover })),
    );
    const totals = walkAll({ starts: [createWorld(['fresh', 'fresh', 'fresh'])], policies, nature });
    expect(totals.worlds).toBeGreaterThan(4_000);
  });

  it('with what runs stopped by a policy that closes, retries, skips, and cancels of single deployments', () => {
    const nature: Nature = {
      ends: ['completed', 'failed'],
      parks: false,
      people: ['stop', 'retry', 'skip', 'cancel', 'approve'],
    };
    const policies = [
      gated('rolling', 'halt', 'stop'),
      gated('ordered', 'halt', 'stop'),
      gated('rolling', 'pause', 'stop'),
    ];
    const starts = [
      createWorld(['fresh', 'fresh', 'fresh'], [0, 0, 1]),
      createWorld(['resumable', 'unsettled', 'fresh'], [0, 0, 1]),
    ];
    expect(walkAll({ starts, policies, nature }).worlds).toBeGreaterThan(4_000);
  });
});
