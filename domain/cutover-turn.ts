import type { OperationFacts } from './operation.js';
import type { RolloutPolicy } from './spec.js';
import { hasEnded } from './state.js';

/**
 * Which parked operations may cut over now, in rollout order (design 5). A permission is given only when it is meant to be
 * carried out at once, because some engines hold an early one and fire it later (engine contract 7.6).
 *
 * What a person asked for is carried out under every policy; `ordered` and `barrier` still never have two at once. By
 * itself nothing is permitted while the policy is closed, and nothing ever under `manual`.
 */
export function permitted(
  policy: Pick<RolloutPolicy, 'cutover'>,
  operations: readonly OperationFacts[],
  isOpen: boolean,
): readonly string[] {
  const parked = operations.filter(awaitsPermission);
  const chosen = parked.filter(
    (operation) => operation.cutoverAsked || (isOpen && blockerOf(policy, operations, operation) === null),
  );
  const names = chosen.map(({ deployment }) => deployment);
  if (!isOneByOne(policy)) return names;
  return operations.some(isCuttingOver) ? [] : names.slice(0, 1);
}

/** Why the cutover of a parked operation does not happen by itself while the policy is open; null when it does. */
export type Blocker =
  | { readonly kind: 'manual' }
  /** Its engine refused it, and only a person asks again. */
  | { readonly kind: 'refused' }
  /** It is the turn of another: an earlier one, or under `barrier` one that is not ready. */
  | { readonly kind: 'turn'; readonly ahead: OperationFacts };

export function blockerOf(
  policy: Pick<RolloutPolicy, 'cutover'>,
  operations: readonly OperationFacts[],
  operation: OperationFacts,
): Blocker | null {
  if (operation.cutoverRefused) return { kind: 'refused' };
  switch (policy.cutover) {
    case 'rolling':
      return null;
    case 'manual':
      return { kind: 'manual' };
    case 'ordered':
      return turnOf(aheadOf(operations, operation));
    case 'barrier':
      return turnOf(notReady(operations, operation) ?? aheadOf(operations, operation));
  }
}

/** Only one operation at a time may be cutting over. */
export function isOneByOne({ cutover }: Pick<RolloutPolicy, 'cutover'>): boolean {
  return cutover === 'ordered' || cutover === 'barrier';
}

function turnOf(ahead: OperationFacts | undefined): Blocker | null {
  return ahead === undefined ? null : { kind: 'turn', ahead };
}

/** The first one before it in rollout order that has not passed. */
function aheadOf(operations: readonly OperationFacts[], operation: OperationFacts): OperationFacts | undefined {
  const place = operations.findIndex(({ deployment }) => deployment === operation.deployment);
  return operations.slice(0, place).find((other) => !hasPassed(other));
}

/** The first one of its wave that is neither parked nor passed. */
function notReady(operations: readonly OperationFacts[], operation: OperationFacts): OperationFacts | undefined {
  return operations.find(
    (other) => other.wave === operation.wave && other.state !== 'waiting_for_cutover' && !hasPassed(other),
  );
}

/** While the policy is open an operation that ended has passed, whatever its end; a revert window has passed as well. */
function hasPassed({ state }: OperationFacts): boolean {
  return hasEnded(state) || state === 'revert_window';
}

function awaitsPermission(operation: OperationFacts): boolean {
  return operation.state === 'waiting_for_cutover' && !operation.permitted && !operation.cancelAsked;
}

function isCuttingOver({ state, permitted: isPermitted }: OperationFacts): boolean {
  return state === 'cutting_over' || (state === 'waiting_for_cutover' && isPermitted);
}
