import type { StoredApply } from '../../target.js';
import type { StoredStep } from '../storage/steps.js';

/** Steps of every change that has been begun and is not complete. */
export function stepsOfFailure(steps: readonly StoredStep[]): readonly StoredStep[] {
  const open = new Set(steps.filter((step) => step.state !== 'done').map((step) => step.changePosition));
  return steps.filter((step) => open.has(step.changePosition));
}

/**
 * The steps that a cancel takes back. As long as nothing of a deferred apply has become visible, that is all of it, as if
 * it had never begun; otherwise changes that are complete stay.
 */
export function stepsOfCancel(
  apply: Pick<StoredApply, 'deferCutover'>,
  steps: readonly StoredStep[],
): readonly StoredStep[] {
  const hasCutOver = steps.some(({ step, state }) => state === 'done' && step.waitsBecause !== undefined);
  return apply.deferCutover && !hasCutOver ? steps : stepsOfFailure(steps);
}
