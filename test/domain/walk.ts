import { expect } from 'vitest';
import { deriveApplyState, deriveWaitingFor, WAITS_FOR_PERSON } from '../../domain/derive.js';
import type { Decision } from '../../domain/rollout.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import { APPLY_STATE, hasEnded } from '../../domain/state.js';
import { plainPermits } from './plain-cutover.js';
import { endsOf, plainEnds } from './plain-ends.js';
import { plainlyOpen } from './plain-rules.js';
import {
  type Happening,
  type Nature,
  type World,
  byEngines,
  byTime,
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
export function checkDecision(world: World, rules: RolloutPolicy, decision: Decision): void {
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
  const ends = decision.settle ? [] : plainEnds(world, rules, isOpen);
  if (endsOf(decision, world).join() !== ends.join()) return `ends other than ${ends.join()}`;
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

/** Walks through every start under every policy; no world may be a dead end or contradict what is derived of it. */
export function walkAll(params: {
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
