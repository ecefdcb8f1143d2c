import { describe, expect, it } from 'vitest';
import { deriveApplyState, deriveWaitingFor, WAITS_FOR_PERSON } from '../../domain/derive.js';
import { type Decision, type RolloutOperation, decide } from '../../domain/rollout.js';
import { CUTOVERS, ON_FAILURE, type RolloutPolicy } from '../../domain/spec.js';
import { APPLY_STATE, hasEnded } from '../../domain/state.js';
import type { WaveFacts } from '../../domain/wave.js';
import { HALT, NO_CONTROLS, STARTED, operation, policy, wave } from './builders.js';
import { plainPermits } from './plain-cutover.js';
import { plainlyOpen } from './plain-rules.js';
import {
  type Happening,
  type Nature,
  type World,
  byEngines,
  byTime,
  createWorld,
  happenings,
  isWaiting,
  keyOf,
  settleDown,
} from './rollout-world.js';

/** Every world that can come about, with what leads from each to the next. */
interface Walk {
  readonly worlds: ReadonlyMap<string, World>;
  readonly next: ReadonlyMap<string, readonly string[]>;
  readonly admissions: number;
}

/** Walks through every order of events, and checks every decision on the way. */
function walk(start: World, rules: RolloutPolicy, nature: Nature): Walk {
  let admissions = 0;
  const check = (world: World, decision: Decision) => {
    admissions += decision.admit.length;
    checkDecision(world, rules, decision);
  };
  const first = settleDown(start, rules, check);
  const worlds = new Map<string, World>([[keyOf(first), first]]);
  const next = new Map<string, readonly string[]>();
  for (const [key, world] of worlds) {
    const following = happenings(world, rules, nature).map((happening: Happening) => {
      const settled = settleDown(happening.world, rules, check);
      const settledKey = keyOf(settled);
      if (!worlds.has(settledKey)) worlds.set(settledKey, settled);
      return settledKey;
    });
    next.set(key, following);
  }
  return { worlds, next, admissions };
}

/** What must hold of every single decision, whatever led to it. */
function checkDecision(world: World, rules: RolloutPolicy, decision: Decision): void {
  const problem = problemOf(world, rules, decision);
  if (problem !== null)
    expect.fail(`${problem}: ${JSON.stringify(decision)} in ${keyOf(world)} under ${JSON.stringify(rules)}`);
}

function problemOf(world: World, rules: RolloutPolicy, decision: Decision): string | null {
  const { operations, controls, waves } = world;
  const isHalted = controls.stop || controls.cancel;
  if (decision.settle !== operations.every(({ state }) => hasEnded(state)))
    return 'settles when not all has ended, or does not';
  if (isHalted && decision.admit.length + decision.permit.length > 0) return 'goes forward after a stop (I2)';
  if (new Set(decision.admit).size < decision.admit.length) return 'admits one twice';
  const isOpen = plainlyOpen({ policy: rules, operations, controls });
  if (!isOpen && decision.admit.length > 0) return 'admits under a closed policy';
  if ((!isOpen || isHalted) && decision.startWave !== null) return 'starts a wave while nothing may';
  const expected = isOpen && !isHalted ? plainAdmissions(world, rules, decision) : [];
  if (decision.admit.join() !== expected.join()) return `admits other than ${expected.join()}`;
  const permits = isHalted ? [] : plainPermits({ policy: rules, operations, isOpen });
  if (decision.permit.join() !== permits.join()) return `permits other than ${permits.join()}`;
  if (decision.startWave !== null) {
    const before = operations.filter((one) => one.wave < (decision.startWave ?? 0));
    if (!before.every(({ state }) => hasEnded(state))) return 'starts a wave before the one before has ended';
    if (waves[decision.startWave]?.started === true) return 'starts a wave twice';
  }
  const touched = [...decision.end, ...decision.halt].map(({ deployment }) => deployment);
  if (operations.some(({ deployment, state }) => hasEnded(state) && touched.includes(deployment)))
    return 'touches one that has ended';
  if (touched.some((name) => decision.admit.includes(name))) return 'admits what it ends';
  return null;
}

/**
 * What waits, in the order of design 5 (those with a remote apply first), as long as what is in flight leaves room in its
 * wave (I9); of waves that have started, or start now.
 */
function plainAdmissions(world: World, rules: RolloutPolicy, decision: Decision): readonly string[] {
  const ending = [...decision.end, ...decision.halt].map(({ deployment }) => deployment);
  const held = world.operations.filter((one) => isWaiting(one) && !ending.includes(one.deployment));
  const inOrder = [
    ...held.filter(({ resumes }) => resumes),
    ...held.filter(
      ({ resumes, wave: index }) => !resumes && (world.waves[index]?.started === true || index === decision.startWave),
    ),
  ];
  let inFlight = world.operations.filter(({ state }) => state === 'dispatching').length;
  const admitted: string[] = [];
  for (const one of inOrder) {
    if (inFlight >= (rules.waves[one.wave]?.maxConcurrency ?? 0)) break;
    admitted.push(one.deployment);
    inFlight += 1;
  }
  return admitted;
}

/** Worlds from which no order of events leads to the end. */
function deadEnds({ worlds, next }: Walk): readonly string[] {
  const before = new Map<string, string[]>();
  for (const [key, following] of next) for (const one of following) before.set(one, [...(before.get(one) ?? []), key]);
  const reaching = [...worlds].filter(([, world]) => world.isSettled).map(([key]) => key);
  const canEnd = new Set(reaching);
  for (const key of reaching)
    for (const earlier of before.get(key) ?? [])
      if (!canEnd.has(earlier)) {
        canEnd.add(earlier);
        reaching.push(earlier);
      }
  return [...worlds.keys()].filter((key) => !canEnd.has(key));
}

/** Worlds in which no engine moves and no person is named, and those whose derived state contradicts what is. */
function contradictions({ worlds }: Walk, rules: RolloutPolicy, nature: Nature): readonly string[] {
  return [...worlds].flatMap(([key, world]) => {
    const situation = { policy: rules, operations: world.operations, waves: world.waves, controls: world.controls };
    const state = deriveApplyState(situation);
    const waitingFor = deriveWaitingFor(situation);
    if (world.isSettled) return APPLY_STATE[state].ended && waitingFor === null ? [] : [`settled as ${state}: ${key}`];
    if (APPLY_STATE[state].ended) return [`${state} and not settled: ${key}`];
    if (byEngines(world, nature).length + byTime(world, rules).length > 0) return [];
    return waitingFor !== null && WAITS_FOR_PERSON.includes(waitingFor) ? [] : [`waits for ${waitingFor}: ${key}`];
  });
}

function walkAll(params: {
  readonly starts: readonly World[];
  readonly policies: readonly RolloutPolicy[];
  readonly nature: Nature;
}): { readonly worlds: number } {
  const totals = { worlds: 0 };
  for (const start of params.starts)
    for (const rules of params.policies) {
      const walked = walk(start, rules, params.nature);
      totals.worlds += walked.worlds.size;
      expect(walked.admissions).toBeGreaterThan(0);
      expect(deadEnds(walked), 'no order of events ends it').toEqual([]);
      expect(contradictions(walked, rules, params.nature)).toEqual([]);
    }
  return totals;
}

const POLICIES = [
  policy('halt', 0, 1),
  policy('halt', 0, 2),
  policy('halt', 1, 1),
  policy('continue', 0, 1),
  policy('pause', 0, 1),
  policy('pause', 0, 2),
  policy('pause', 1, 2),
];

/** Each walk takes one or two seconds on an idle machine, and many times that on a busy one. */
const LIMIT = { timeout: 120_000 };

describe('in every order of events every decision keeps to the rules, and everything can end', () => {
  it('with engines that park, refuse to cut over, and are stopped by someone else', LIMIT, () => {
    const starts = [createWorld(['fresh', 'fresh']), createWorld(['fresh', 'resumable'])];
    const nature: Nature = {
      ends: ['completed', 'failed', 'stopped'],
      parks: true,
      people: ['stop', 'cancel', 'release'],
    };
    const totals = walkAll({ starts, policies: POLICIES, nature });
    expect(totals.worlds).toBeGreaterThan(4_000);
  });

  it('with people who retry and skip at every moment, and attempts whose end nobody knows', LIMIT, () => {
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

  it('with four operations at every width', LIMIT, () => {
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

describe('in every order of events of waves and cutovers as well', () => {
  const gated = (cutover: RolloutPolicy['cutover'], onFailure: RolloutPolicy['onFailure'], inFlight: RolloutPolicy['inFlight']) =>
    policy(onFailure, 0, 1, {
      cutover,
      inFlight,
      waves: [
        wave({ name: 'canary', maxConcurrency: 2 }),
        wave({ name: 'rest', maxConcurrency: 2, gate: 'manual', expiresAfterMs: 1 }),
      ],
    });

  it('with a canary that bakes, a gate that is approved, rejected or expires, and every cutover', LIMIT, () => {
    const nature: Nature = {
      ends: ['completed', 'failed'],
      parks: true,
      people: ['stop', 'release', 'approve', 'reject', 'cutover'],
    };
    const policies = CUTOVERS.flatMap((cutover) => ON_FAILURE.map((onFailure) => gated(cutover, onFailure, 'finish')));
    const starts = [createWorld(['fresh', 'fresh'], [0, 1]), createWorld(['fresh', 'resumable'], [0, 1])];
    expect(walkAll({ starts, policies, nature }).worlds).toBeGreaterThan(3_000);
  });

  it('with three operations in one wave that park, refuse, fail, are reverted, and are cut over by a person', LIMIT, () => {
    const nature: Nature = { ends: ['completed', 'failed'], parks: true, windows: true, people: ['cutover', 'release'] };
    const policies = CUTOVERS.filter((cutover) => cutover !== 'rolling').flatMap((cutover) =>
      ON_FAILURE.map((onFailure) => policy(onFailure, 0, 3, { cutover })),
    );
    const totals = walkAll({ starts: [createWorld(['fresh', 'fresh', 'fresh'])], policies, nature });
    expect(totals.worlds).toBeGreaterThan(4_000);
  });

  it('with what runs stopped by a policy that closes, retries, skips, and cancels of single deployments', LIMIT, () => {
    const nature: Nature = {
      ends: ['completed', 'failed'],
      parks: false,
      people: ['stop', 'retry', 'skip', 'cancel', 'approve'],
    };
    const policies = [gated('rolling', 'halt', 'stop'), gated('ordered', 'halt', 'stop'), gated('rolling', 'pause', 'stop')];
    const starts = [createWorld(['fresh', 'fresh', 'fresh'], [0, 0, 1]), createWorld(['resumable', 'unsettled', 'fresh'], [0, 0, 1])];
    expect(walkAll({ starts, policies, nature }).worlds).toBeGreaterThan(4_000);
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

  it('settles exactly when every operation has ended', () => {
    expect(decideNow([inState('a', 'completed'), inState('b', 'stopped')])).toEqual({ ...NOTHING, settle: true });
    expect(decideNow([inState('a', 'completed'), inState('b', 'reverting')]).settle).toBe(false);
  });
});

const NOTHING: Decision = { end: [], halt: [], startWave: null, admit: [], permit: [], wait: null, settle: false };
