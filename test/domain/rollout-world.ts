import type { Control } from '../../domain/apply.js';
import { type ControlRequest, admitControl } from '../../domain/control.js';
import type { ControlFacts } from '../../domain/derive.js';
import { type Decision, type RolloutOperation, decide } from '../../domain/rollout.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import { type EndReason, hasEnded } from '../../domain/state.js';
import { operation } from './builders.js';

/**
 * A world in which every order of events of one apply can be walked through: engines that end, park, refuse and leave
 * their park by themselves, and people who send every control at every moment. What the apply workflow does between two
 * events is to carry out decisions until there is nothing new to do; so does `settleDown`.
 */
export interface World {
  readonly operations: readonly Member[];
  readonly controls: ControlFacts;
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
  readonly people: readonly Control[];
}

export function createWorld(kinds: readonly ('fresh' | 'resumable' | 'unsettled')[]): World {
  return {
    operations: kinds.map(
      (kind, index): Member => ({
        ...operation({ deployment: `d${index}`, started: kind !== 'fresh' }),
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
export function keyOf({ operations, controls, isSettled }: World): string {
  let key = `${controls.stop} ${controls.cancel} ${controls.release} ${isSettled}`;
  for (const member of operations)
    key += `|${member.state} ${member.admitted} ${member.permitted} ${member.cutoverRefused} ${member.reason} ${member.skipped} ${member.halted?.by} ${member.halted?.reason} ${member.isRetried} ${member.resumes} ${member.atRest}`;
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
    const decision = decide({ policy, operations: now.operations, controls: now.controls });
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
    if (decision.permit.includes(member.deployment)) return { ...member, permitted: true, state: 'cutting_over' };
    return member;
  });
  return { ...world, operations: operations.map(forget), isSettled: decision.settle };
}

/** What no rule asks of a member any more once it has ended; worlds that differ in nothing else are one. */
function forget(member: Member): Member {
  if (!hasEnded(member.state)) return member;
  return {
    ...member,
    admitted: true,
    permitted: false,
    cutoverRefused: false,
    halted: null,
    resumes: false,
    atRest: true,
  };
}

/** Everything that may happen to the world next: by an engine, or by a person. */
export function happenings(world: World, policy: RolloutPolicy, nature: Nature): readonly Happening[] {
  if (world.isSettled) return [];
  return [...byEngines(world, nature), ...byPeople(world, policy, nature)];
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

function engineMoves(member: Member, nature: Nature): readonly Member[] {
  const confirmed = member.halted === null ? [] : [confirmHalt(member, member.halted)];
  if (isWaiting(member)) return confirmed;
  if (hasEnded(member.state)) return [];
  const ends = nature.ends.map(
    (state): Member => ({ ...member, state, reason: state === 'stopped' ? 'engine' : null }),
  );
  if (!nature.parks) return [...confirmed, ...ends];
  return [...confirmed, ...ends, ...parkMoves(member)];
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
  return nature.people.flatMap((name) =>
    (name === 'retry' || name === 'skip' ? world.operations.map(({ deployment }) => [deployment]) : [[]]).flatMap(
      (deployments) => {
        const request: ControlRequest = { name, deployments, unconfirmed: false, reason: 'why', environment: null };
        const situation = { apply: 'a', environment: 'e', policy, ...world };
        return admitControl(request, situation).kind === 'accepted'
          ? [{ name: `${name} ${deployments.join()}`, world: obey(world, name, deployments) }]
          : [];
      },
    ),
  );
}

/** What the apply workflow does with a control that was accepted. */
function obey(world: World, name: Control, deployments: readonly string[]): World {
  const change = (by: (member: Member) => Member): World => ({
    ...world,
    operations: world.operations.map((member) => (deployments.includes(member.deployment) ? by(member) : member)),
  });
  switch (name) {
    case 'stop':
    case 'cancel':
    case 'release':
      return { ...world, controls: { ...world.controls, [name]: true } };
    case 'skip':
      return change(leaveOut);
    case 'retry':
      return change((member) =>
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
      );
    case 'start':
      return world;
  }
}

/** One that waits ends here, or on its engine where something of it may be alive; one that failed is no setback any more. */
function leaveOut(member: Member): Member {
  if (!isWaiting(member)) return { ...member, skipped: true };
  if (!member.atRest) return { ...member, halted: { by: 'stop', reason: 'skip' } };
  return { ...member, state: 'stopped', reason: 'skip', skipped: true };
}
