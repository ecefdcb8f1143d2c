import type { OperationFacts } from '../../domain/operation.js';
import type { RolloutPolicy } from '../../domain/spec.js';

/**
 * The rules of cutovers in design section 5, written down a second time, without any of the code they check. Gives which
 * parked operations are permitted, in rollout order.
 */
export function plainPermits({
  policy,
  operations,
  isOpen,
}: {
  readonly policy: RolloutPolicy;
  readonly operations: readonly OperationFacts[];
  readonly isOpen: boolean;
}): readonly string[] {
  const oneByOne = policy.cutover === 'ordered' || policy.cutover === 'barrier';
  if (oneByOne)
    for (const { state, permitted } of operations)
      if (state === 'cutting_over' || (state === 'waiting_for_cutover' && permitted)) return [];
  const names: string[] = [];
  operations.forEach((operation, place) => {
    if (operation.state !== 'waiting_for_cutover' || operation.permitted || operation.cancelAsked) return;
    if (oneByOne && names.length > 0) return;
    if (operation.cutoverAsked || goesByItself(operation, place)) names.push(operation.deployment);
  });
  return names;

  function goesByItself(operation: OperationFacts, place: number): boolean {
    if (!isOpen || operation.cutoverRefused || policy.cutover === 'manual') return false;
    if (policy.cutover === 'rolling') return true;
    for (let before = 0; before < place; before += 1) if (!passed(operations[before])) return false;
    if (policy.cutover === 'ordered') return true;
    for (const other of operations)
      if (other.wave === operation.wave && other.state !== 'waiting_for_cutover' && !passed(other)) return false;
    return true;
  }
}

/** "An operation that ended has passed, whatever its end"; "a revert window has passed for order and barrier". */
function passed(operation: OperationFacts | undefined): boolean {
  switch (operation?.state) {
    case 'completed':
    case 'failed':
    case 'stopped':
    case 'cancelled':
    case 'reverted':
    case 'revert_window':
      return true;
    default:
      return false;
  }
}
