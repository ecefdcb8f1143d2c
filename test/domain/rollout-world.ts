import type { ControlRequest } from '../../domain/admission.js';
import type { Control } from '../../domain/apply.js';
import { admitControl } from '../../domain/control.js';
import type { ControlFacts } from '../../domain/derive.js';
import { type Decision, type RolloutOperation, decide } from '../../domain/rollout.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import { type EndReason, hasEnded } from '../../domain/state.js';
import type { WaveFacts } from '../../domain/wave.js';
import { operation } from './builders.js';

/**
 * A world in which every order of events of one apply can be walked through: engines that end, park, refuse and leave
 * their park by themselves, and people who send every control at every moment. What the apply workflow does between two
 * events is to carry out decisions until there is nothing new to do; so does `settleDown`.
 */
export interface World {
  readonly operations: readonly Member[];
  readonly waves: readonly WaveFacts[];
  readonly controls: ControlFacts;
  /** The wave whose gate is waited for, which may expire; null when none is. */
  readonly gate: number | null;
  readonly isSettled: boolean;
}

export interface Member extends RolloutOperation {
  /** A halt was sent to it, and with which reason. */
  readonly halted: { readonly by: 'stop' | 'cancel'; readonly reason: EndReason } | null;
  /** It was attempted anew already; once is enough for the walk to end. */
  readonly isRetried: boolean;
}

/** What may happen next, by name. */
export interface Happening {
  readonly name: string;
  readonly world: World;
}

/** How richly the members of the world behave; what is left out keeps larger worlds small enough to walk through. */
export interface Nature {
  readonly ends: readonly ('completed' | 'failed' | 'stopped' | 'reverted')[];
  readonly parks: boolean;
  /** A change that cut over stays revertible for a while. Default false. */
  readonly windows?: boolean;
  readonly people: readonly Control[];
}

export function createWorld(
  kinds: readonly ('fresh' | 'resumable' | 'unsettled')[],
  waveOf: readonly number[] = [],
): World {
  const waves = Math.max(0, ...waveOf) + 1;
  return {
    waves: Array.from({ length: waves }, () => ({ started: false, baked: false, approved: false, barred: null })),
    gate: null,
    operations: kinds.map(
      (kind, index): Member => ({
        ...operation({ deployment: `d${index}`, wave: waveOf[index] ?? 0, started: kind !== 'fresh' }),
        resumes: kind === 'resumable',
        atRest: kind !== 'unsettled',
        halted: null,
        isRetried: false,
      }),
    ),
    controls: { stop: false, cancel: false, release: false },
    isSettled: false,
  };
}

export function isWaiting(member: Member): boolean {
  return member.state === 'pending' && !member.admitted;
}

/** Short and unique; two worlds with one key have the same future. */
export function keyOf({ operations, waves, controls, gate, isSettled }: World): string {
  let key = `${controls.stop} ${controls.cancel} ${controls.release} ${gate} ${isSettled}`;
  for (const wave of waves) key += `/${wave.started} ${wave.baked} ${wave.approved} ${wave.barred}`;
  for (const member of operations)
    key += `|${member.state} ${member.admitted} ${member.permitted} ${member.cutoverRefused} ${member.cutoverAsked} ${member.cancelAsked} ${member.reason} ${member.skipped} ${member.halted?.by} ${member.halted?.reason} ${member.isRetried} ${member.resumes} ${member.atRest}`;
  return key;
}

/** Carries out decisions until there is nothing new to do, as the apply workflow does between two events. */
export function settleDown(
  world: World,
  policy: RolloutPolicy,
  onDecision: (world: World, decision: Decision) => void,
): World {
  let now = world;
  for (let round = 0; round < 4; round += 1) {
    const decision = decide({ policy, operations: now.operations, waves: now.waves, controls: now.controls });
    onDecision(now, decision);
    const next = carryOut(now, decision);
    if (keyOf(next) === keyOf(now)) return now;
    now = next;
  }
  throw new Error(`decisions never come to rest: ${keyOf(world)}`);
}

function carryOut(world: World, decision: Decision): World {
  const operations = world.operations.map((member): Member => {
    const end = decision.end.find(({ deployment }) => deployment === member.deployment);
    if (end !== undefined) return { ...member, state: end.as, reason: end.reason };
    const halt = decision.halt.find(({ deployment }) => deployment === member.deployment);
    if (halt !== undefined)
      return member.halted?.by === halt.by ? member : { ...member, halted: { by: halt.by, reason: halt.reason } };
    if (decision.admit.includes(member.deployment))
      return { ...member, state: 'dispatching', admitted: true, started: true };
    if (decision.permit.includes(member.deployment))
      return { ...member, permitted: true, cutoverAsked: false, state: 'cutting_over' };
    return member;
  });
  const waves = world.waves.map((wave, index) => (index === decision.startWave ? { ...wave, started: true } : wave));
  const gate = decision.wait?.waitsFor === 'gate' ? decision.wait.index : null;
  return { ...world, operations: operations.map(forget), waves, gate, isSettled: decision.settle };
}

/** What no rule asks of a member any more once it has ended; worlds that differ in nothing else are one. */
export function forget(member: Member): Member {
  if (!hasEnded(member.state)) return member;
  return {
    ...member,
    admitted: true,
    permitted: false,
    cutoverRefused: false,
    cutoverAsked: false,
    cancelAsked: false,
    halted: null,
    resumes: false,
    atRest: true,
  };
}

/** Everything that may happen to the world next: by an engine, or by a person. */
export function happenings(world: World, policy: RolloutPolicy, nature: Nature): readonly Happening[] {
  if (world.isSettled) return [];
  return [...byEngines(world, nature), ...byTime(world, policy), ...byPeople(world, policy, nature)];
}

export function byEngines(world: World, nature: Nature): readonly Happening[] {
  return world.operations.flatMap((member) =>
    engineMoves(member, nature).map(
      (moved): Happening => ({
        name: `${member.deployment} ${moved.state}`,
        world: {
          ...world,
          operations: world.operations.map((other) => (other.deployment === member.deployment ? forget(moved) : other)),
        },
      }),
    ),
  );
}

/** A bake that passes, once all of a wave has ended; a gate that expires while it is waited for. */
export function byTime(world: World, policy: RolloutPolicy): readonly Happening[] {
  const bakes = world.waves.flatMap((wave, index): Happening[] => {
    const isOver = world.operations.every((member) => member.wave !== index || hasEnded(member.state));
    const isLast = index === world.waves.length - 1;
    if (wave.baked || !isOver || isLast) return [];
    return [{ name: `wave ${index} has baked`, world: changeWave(world, index, { baked: true }) }];
  });
  const { gate } = world;
  if (gate === null || policy.waves[gate]?.expiresAfterMs === null) return bakes;
  return [...bakes, { name: `gate ${gate} expires`, world: changeWave(world, gate, { barred: 'deadline' }) }];
}

function changeWave(world: World, index: number, change: Partial<WaveFacts>): World {
  return { ...world, waves: world.waves.map((wave, at) => (at === index ? { ...wave, ...change } : wave)) };
}

function engineMoves(member: Member, nature: Nature): readonly Member[] {
  const confirmed = member.halted === null ? [] : [confirmHalt(member, member.halted)];
  if (isWaiting(member)) return confirmed;
  if (hasEnded(member.state)) return [];
  if (member.state === 'revert_window')
    return [
      { ...member, state: 'completed' },
      { ...member, state: 'reverting' },
    ];
  if (member.state === 'reverting') return [{ ...member, state: 'reverted' }];
  const windows: readonly Member[] =
    nature.windows === true && member.state === 'cutting_over' ? [{ ...member, state: 'revert_window' }] : [];
  const ends = nature.ends.map(
    (state): Member => ({ ...member, state, reason: state === 'stopped' ? 'engine' : null }),
  );
  if (!nature.parks) return [...confirmed, ...ends];
  return [...confirmed, ...ends, ...windows, ...parkMoves(member)];
}

function confirmHalt(member: Member, halted: NonNullable<Member['halted']>): Member {
  return { ...member, state: halted.by === 'cancel' ? 'cancelled' : 'stopped', reason: halted.reason };
}

/** It parks, leaves its park by itself, or refuses to cut over. */
function parkMoves(member: Member): readonly Member[] {
  if (member.state === 'dispatching') return [{ ...member, state: 'waiting_for_cutover', permitted: false }];
  if (member.state === 'cutting_over')
    return [{ ...member, state: 'waiting_for_cutover', permitted: false, cutoverRefused: true }];
  return [{ ...member, state: 'dispatching', permitted: false, cutoverRefused: false }];
}

function byPeople(world: World, policy: RolloutPolicy, nature: Nature): readonly Happening[] {
  return nature.people.flatMap((name) => {
    const each = world.operations.map(({ deployment }) => [deployment]);
    const targets = name === 'cutover' ? [[], ...each] : NAMED.includes(name) ? each : [[]];
    return targets.flatMap((deployments): Happening[] => {
      const request: ControlRequest = {
        name,
        deployments,
        all: false,
        wave: null,
        unconfirmed: false,
        reason: 'why',
        environment: null,
      };
      const admission = admitControl(request, { apply: 'a', environment: 'e', policy, ...world });
      if (admission.kind !== 'accepted') return [];
      const wave = policy.waves.findIndex((one) => one.name === admission.wave);
      const chosen = name === 'cutover' ? admission.deployments : deployments;
      return [{ name: `${name} ${deployments.join()}`, world: obey(world, { name, deployments: chosen, wave }) }];
    });
  });
}

/** Controls that are tried on each deployment by itself. */
const NAMED: readonly Control[] = ['retry', 'skip', 'cancel'];

/** What the apply workflow does with a control that was accepted. */
export function obey(
  world: World,
  {
    name,
    deployments,
    wave,
  }: { readonly name: Control; readonly deployments: readonly string[]; readonly wave: number },
): World {
  const change = (by: (member: Member) => Member): World => ({
    ...world,
    operations: world.operations.map((member) => (deployments.includes(member.deployment) ? by(member) : member)),
  });
  switch (name) {
    case 'stop':
    case 'release':
      return { ...world, controls: { ...world.controls, [name]: true } };
    case 'cancel':
      return deployments.length === 0
        ? { ...world, controls: { ...world.controls, cancel: true } }
        : change((member) => (hasEnded(member.state) ? member : { ...member, cancelAsked: true }));
    case 'cutover':
      return change((member) => ({ ...member, cutoverAsked: true, cutoverRefused: false }));
    case 'approve':
      return changeWave(world, wave, { approved: true });
    case 'reject':
      return changeWave(world, wave, { barred: 'operator' });
    case 'skip':
      return change(leaveOut);
    case 'retry':
      return unbake(
        change((member) =>
          member.isRetried
            ? member
            : {
                ...member,
                state: 'pending',
                admitted: false,
                skipped: false,
                reason: null,
                halted: null,
                isRetried: true,
              },
        ),
      );
    case 'start':
    case 'revert':
    case 'skip-revert':
      return world;
  }
}

/** One that waits ends here, or on its engine where something of it may be alive; one that failed is no setback any more. */
function leaveOut(member: Member): Member {
  if (!isWaiting(member)) return { ...member, skipped: true };
  if (!member.atRest) return { ...member, halted: { by: 'stop', reason: 'skip' } };
  return { ...member, state: 'stopped', reason: 'skip', skipped: true };
}

/** A wave of which something goes on again has not baked. */
function unbake(world: World): World {
  const open = new Set(world.operations.filter(({ state }) => !hasEnded(state)).map(({ wave }) => wave));
  return { ...world, waves: world.waves.map((wave, index) => (open.has(index) ? { ...wave, baked: false } : wave)) };
}
