import {
  ALREADY,
  type Admission,
  type ControlRequest,
  type ControlSituation,
  accept,
  describeStates,
  namedIn,
  refuse,
  refuseAfterHalt,
} from './admission.js';
import { blockerOf, isOneByOne } from './cutover-turn.js';
import { isPolicyOpen } from './derive.js';
import type { OperationFacts } from './operation.js';

/** What a person can do about a change that is ready, or that is live and can still be undone (design 5). */

/**
 * A recorded permission for the named deployments, or for all that are parked. While the policy is open it is refused
 * before its turn, because the order is what `ordered` and `barrier` are for (catalogue 99).
 */
export function admitCutover(request: ControlRequest, situation: ControlSituation): Admission {
  const { apply, operations } = situation;
  const forbidden = refuseAfterHalt('cutover', situation);
  if (forbidden !== null) return forbidden;
  const named = request.deployments.length > 0 ? namedIn(request, situation) : operations.filter(isParked);
  if (named.length === 0)
    return refuse(
      `cutover of apply ${apply}: no deployment is parked (${describeStates(operations)}); it is sent when a copy is ready`,
    );
  const wrong = named.filter((operation) => !isParked(operation) && !isPastCutover(operation));
  if (wrong.length > 0)
    return refuse(
      `cutover of apply ${apply}: ${describeStates(wrong)}; only a parked deployment can cut over, and an early cutover is never sent because engines hold it and fire it later`,
    );
  const candidates = named.filter((operation) => isParked(operation) && !isOnItsWay(operation));
  if (candidates.length === 0) return ALREADY;
  const due = candidates.filter((operation) => aheadOf(operation, situation) === null);
  const [first] = candidates;
  if (first !== undefined && (due.length === 0 || (request.deployments.length > 0 && due.length < candidates.length)))
    return refuseTurn(candidates.find((operation) => !due.includes(operation)) ?? first, situation);
  return accept(due);
}

function refuseTurn(operation: OperationFacts, situation: ControlSituation): Admission {
  const ahead = aheadOf(operation, situation);
  return refuse(
    `cutover of apply ${situation.apply}: it is not the turn of ${operation.deployment}, because ${ahead?.deployment ?? 'another'} is ${ahead?.state ?? 'not ready'} (cutover ${situation.policy.cutover}); it follows by itself, or leave ${ahead?.deployment ?? 'the other'} out with cancel --deployment ${ahead?.deployment ?? '<name>'}`,
  );
}

/** The one whose turn comes before, while the policy is open. Once it is closed a person decides. */
function aheadOf(operation: OperationFacts, situation: ControlSituation): OperationFacts | null {
  const { policy, operations } = situation;
  if (!isOneByOne(policy) || !isPolicyOpen(situation)) return null;
  const blocker = blockerOf(policy, operations, { ...operation, cutoverRefused: false });
  return blocker?.kind === 'turn' ? blocker.ahead : null;
}

/** Undoes a live change within its engine's window. */
export function admitRevert(request: ControlRequest, situation: ControlSituation): Admission {
  return admitInWindow(request, situation, ({ state }) => state === 'reverting' || state === 'reverted');
}

/** Gives the window up: the change stays. */
export function admitSkipRevert(request: ControlRequest, situation: ControlSituation): Admission {
  return admitInWindow(request, situation, ({ state }) => state === 'completed');
}

function admitInWindow(
  request: ControlRequest,
  situation: ControlSituation,
  isDone: (operation: OperationFacts) => boolean,
): Admission {
  const { apply, operations } = situation;
  if (request.deployments.length === 0 && !request.all)
    return refuse(
      `${request.name} of apply ${apply} must name a deployment: --deployment <name>, or --all in a revert window`,
    );
  const named = request.all ? operations.filter(isInWindow) : namedIn(request, situation);
  const wrong = named.filter((operation) => !isInWindow(operation) && !isDone(operation));
  if (wrong.length > 0 || named.length === 0)
    return refuse(
      `${request.name} of apply ${apply}: ${describeStates(named.length === 0 ? operations : wrong)}; only a deployment in its revert window can be reverted or keep its change early`,
    );
  const rest = named.filter((operation) => !isDone(operation));
  return rest.length === 0 ? ALREADY : accept(rest);
}

function isInWindow({ state }: OperationFacts): boolean {
  return state === 'revert_window';
}

function isParked({ state }: OperationFacts): boolean {
  return state === 'waiting_for_cutover';
}

function isOnItsWay({ permitted, cutoverAsked }: OperationFacts): boolean {
  return permitted || cutoverAsked;
}

function isPastCutover({ state }: OperationFacts): boolean {
  return state === 'cutting_over' || state === 'revert_window' || state === 'reverting' || state === 'completed';
}
