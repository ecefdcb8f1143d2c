import { describe, expect, it } from 'vitest';
import { deriveApplyState, deriveWaitingFor, WAITS_FOR_PERSON } from '../../domain/derive.js';
import { type Decision, type RolloutOperation, decide } from '../../domain/rollout.js';
import { ON_FAILURE, type RolloutPolicy } from '../../domain/spec.js';
import { APPLY_STATE, hasEnded } from '../../domain/state.js';
import { HALT, NO_CONTROLS, operation } from './builders.js';
import { plainlyOpen } from './plain-rules.js';
import {
  type Happening,
  type Nature,
  type World,
  byEngines,
  createWorld,
  happenings,
  isWaiting,
  keyOf,
  settleDown,
} from './rollout-world.js';
import { policy } from './situations.js';

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
  const { operations, controls } = world;
  const held = operations.filter(isWaiting);
  const inFlight = operations.filter(({ state }) => state === 'dispatching').length;
  const isHalted = controls.stop || controls.cancel;
  if (decision.settle !== operations.every(({ state }) => hasEnded(state)))
    return 'settles when not all has ended, or does not';
  if (isHalted && decision.admit.length + decision.permit.length > 0) return 'goes forward after a stop (I2)';
  if (decision.admit.length > 0 && inFlight + decision.admit.length > rules.maxConcurrency)
    return 'exceeds the width (I9)';
  if (new Set(decision.admit).size < decision.admit.length) return 'admits one twice';
  const isOpen = plainlyOpen({ policy: rules, operations, controls });
  if (!isOpen && decision.admit.length + decision.permit.length > 0) return 'goes forward under a closed policy';
  const inOrder = [...held.filter(({ resumes }) => resumes), ...held.filter(({ resumes }) => !resumes)];
  const room = isOpen && !isHalted ? Math.max(0, rules.maxConcurrency - inFlight) : 0;
  const expected = inOrder.slice(0, room).map(({ deployment }) => deployment);
  if (decision.admit.join() !== expected.join()) return `admits other than ${expected.join()}`;
  const touched = [...decision.end, ...decision.halt].map(({ deployment }) => deployment);
  if (operations.some(({ deployment, state }) => hasEnded(state) && touched.includes(deployment)))
    return 'touches one that has ended';
  return null;
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
    const situation = { policy: rules, operations: world.operations, controls: world.controls };
    const state = deriveApplyState(situation);
    const waitingFor = deriveWaitingFor(situation);
    if (world.isSettled) return APPLY_STATE[state].ended && waitingFor === null ? [] : [`settled as ${state}: ${key}`];
    if (APPLY_STATE[state].ended) return [`${state} and not settled: ${key}`];
    if (byEngines(world, nature).length > 0) return [];
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

function waiting(deployment: string, given: Partial<RolloutOperation> = {}): RolloutOperation {
  return { ...operation({ deployment }), resumes: false, atRest: true, ...given };
}

function inState(deployment: string, state: RolloutOperation['state'], given: Partial<RolloutOperation> = {}) {
  return waiting(deployment, { state, admitted: true, started: true, ...given });
}

function decideNow(
  operations: readonly RolloutOperation[],
  given: Partial<RolloutPolicy> = {},
  controls = NO_CONTROLS,
): Decision {
  return decide({ policy: { ...HALT, ...given }, operations, controls });
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
    expect(decideNow(operations, { maxConcurrency: 3 }).admit).toEqual(['b', 'd', 'a']);
  });

  it('counts neither parked operations nor cutovers nor revert windows against the width', () => {
    for (const state of ['waiting_for_cutover', 'cutting_over', 'revert_window', 'reverting'] as const)
      expect(decideNow([inState('a', state), waiting('b')]).admit, state).toEqual(['b']);
    for (const state of ['dispatching', 'running', 'failed_retryable'] as const)
      expect(decideNow([inState('a', state), waiting('b')]).admit, state).toEqual([]);
    expect(decideNow([waiting('a', { admitted: true }), waiting('b')]).admit, 'admitted').toEqual([]);
  });

  it('under a policy closed by halt ends what waits as stopped by the policy, and leaves alone what runs', () => {
    const decision = decideNow([inState('a', 'failed'), inState('b', 'running'), waiting('c')], { maxConcurrency: 9 });
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
    expect(decideNow(operations, { onFailure: 'pause' })).toEqual(NOTHING);
    expect(decideNow(operations, { onFailure: 'pause' }, { ...NO_CONTROLS, release: true }).admit).toEqual(['b']);
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
    const decision = decideNow(operations, {}, { ...NO_CONTROLS, stop: true });
    expect(decision.end.map(({ deployment, as }) => `${deployment} ${as}`)).toEqual(['d stopped', 'e stopped']);
    expect(decision.halt.map(({ deployment, by }) => `${deployment} ${by}`)).toEqual(['b stop', 'c stop', 'f stop']);
    expect([...decision.end, ...decision.halt].every(({ reason }) => reason === 'operator')).toBe(true);
  });

  it('on a cancel reaches on its engine also what an earlier run left stopped there, and a cancel outranks a stop', () => {
    const operations = [waiting('a'), waiting('b', { started: true, resumes: true }), inState('c', 'running')];
    const decision = decideNow(operations, {}, { stop: true, cancel: true, release: false });
    expect(decision.end).toEqual([{ deployment: 'a', as: 'cancelled', reason: 'operator' }]);
    expect(decision.halt.map(({ deployment, by }) => `${deployment} ${by}`)).toEqual(['b cancel', 'c cancel']);
  });

  it('settles exactly when every operation has ended', () => {
    expect(decideNow([inState('a', 'completed'), inState('b', 'stopped')])).toEqual({ ...NOTHING, settle: true });
    expect(decideNow([inState('a', 'completed'), inState('b', 'reverting')]).settle).toBe(false);
  });
});

const NOTHING: Decision = { end: [], halt: [], admit: [], permit: [], settle: false };
