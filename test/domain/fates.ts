import type { ControlRequest } from '../../domain/admission.js';
import type { Control } from '../../domain/apply.js';
import { admitControl } from '../../domain/control.js';
import { deriveWaitingFor } from '../../domain/derive.js';
import type { Decision } from '../../domain/rollout.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import { hasEnded } from '../../domain/state.js';
import { type Member, type World, byTime, forget, keyOf, obey, settleDown } from './rollout-world.js';

/** What the engine of one operation will do, whatever is decided: how it ends, and what it does on the way. */
export const FATES = ['completes', 'fails', 'is stopped', 'parks', 'refuses once', 'is reverted'] as const;

export type Fate = (typeof FATES)[number];

/** Every assignment of fates to so many operations. */
export function* everyFate(size: number, fates: readonly Fate[] = FATES): Generator<Fate[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (const rest of everyFate(size - 1, fates)) for (const fate of fates) yield [fate, ...rest];
}

/** Longer than any life of so few operations. */
const STEPS_MAX = 200;

/**
 * Lives one rollout through: engines follow their fates, the first one first; time passes; and where only a person can
 * move it on, that person gives the answer the situation names. Gives the world in which it settled; throws where it
 * comes to rest and nothing is named, or what is named is refused.
 */
export function live(params: {
  readonly start: World;
  readonly fates: readonly Fate[];
  readonly policy: RolloutPolicy;
  readonly onDecision: (world: World, decision: Decision) => void;
}): World {
  const { policy, fates, onDecision } = params;
  let world = settleDown(params.start, policy, onDecision);
  for (let step = 0; step < STEPS_MAX; step += 1) {
    if (world.isSettled) return world;
    const next = moveEngine(world, fates) ?? byTime(world, policy)[0]?.world ?? askPerson(world, policy);
    world = settleDown(next, policy, onDecision);
  }
  throw new Error(`never settles with ${fates.join(', ')}: ${keyOf(world)}`);
}

/** The first operation whose engine has something to do, one step further; null when none has. */
function moveEngine(world: World, fates: readonly Fate[]): World | null {
  for (const [index, member] of world.operations.entries()) {
    const moved = move(member, fates[index] ?? 'completes');
    if (moved === null) continue;
    return { ...world, operations: world.operations.map((other, at) => (at === index ? forget(moved) : other)) };
  }
  return null;
}

function move(member: Member, fate: Fate): Member | null {
  if (hasEnded(member.state)) return null;
  if (member.halted !== null) {
    const state = member.halted.by === 'cancel' ? 'cancelled' : 'stopped';
    return { ...member, state, reason: member.halted.reason };
  }
  if (member.state === 'dispatching') return work(member, fate);
  if (member.state === 'cutting_over') return swap(member, fate);
  if (member.state === 'revert_window') return { ...member, state: 'reverting' };
  return member.state === 'reverting' ? { ...member, state: 'reverted' } : null;
}

function work(member: Member, fate: Fate): Member {
  switch (fate) {
    case 'completes':
      return { ...member, state: 'completed' };
    case 'fails':
      return { ...member, state: 'failed' };
    case 'is stopped':
      return { ...member, state: 'stopped', reason: 'engine' };
    case 'parks':
    case 'refuses once':
    case 'is reverted':
      return { ...member, state: 'waiting_for_cutover', permitted: false };
  }
}

function swap(member: Member, fate: Fate): Member {
  // `isRetried` serves as its memory: it refuses once, and then obeys.
  if (fate === 'refuses once' && !member.isRetried)
    return { ...member, state: 'waiting_for_cutover', permitted: false, cutoverRefused: true, isRetried: true };
  if (fate === 'is reverted') return { ...member, state: 'revert_window' };
  return { ...member, state: 'completed' };
}

const ANSWERS: Readonly<Record<string, Control>> = { release: 'release', cutover: 'cutover', gate: 'approve' };

function askPerson(world: World, policy: RolloutPolicy): World {
  const situation = { policy, operations: world.operations, waves: world.waves, controls: world.controls };
  const waitingFor = deriveWaitingFor(situation);
  const name = ANSWERS[waitingFor ?? ''];
  if (name === undefined) throw new Error(`rests, and waits for ${waitingFor}: ${keyOf(world)}`);
  const request: ControlRequest = {
    name,
    deployments: [],
    all: false,
    wave: null,
    unconfirmed: false,
    reason: null,
    environment: null,
  };
  const admission = admitControl(request, { ...situation, apply: 'a', environment: 'e' });
  if (admission.kind !== 'accepted') throw new Error(`${name} is ${JSON.stringify(admission)}: ${keyOf(world)}`);
  const wave = policy.waves.findIndex((one) => one.name === admission.wave);
  return obey(world, { name, deployments: admission.deployments, wave });
}
