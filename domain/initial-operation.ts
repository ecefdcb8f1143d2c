import type { InitialOperation } from './apply.js';
import type { OperationOutcome } from './operation.js';

/** How one operation that ended begins in the next run of its apply (design 3, Ids and runs). */

/**
 * How an operation that ended `stopped` is ended for good: what an engine may still hold goes on, to be cancelled there;
 * what never reached one ends here. Null where nothing is left to cancel; one that was left out and never reached its
 * engine stays as it is.
 */
export function endForGood(operation: OperationOutcome, at: string): InitialOperation | null {
  if (operation.state !== 'stopped') return null;
  if (operation.remoteApplyId !== null || !operation.confirmed) return { ...goOn(operation), cancel: true };
  if (operation.skipped) return null;
  return ended({ ...operation, state: 'cancelled', reason: 'operator', completedAt: at });
}

/** An operation that ended `stopped` goes on where it was. */
export function goOn(operation: OperationOutcome): InitialOperation {
  return {
    deployment: operation.deployment,
    ended: null,
    attempt: operation.attempt,
    remoteApplyId: operation.remoteApplyId,
    remoteOperationId: operation.remoteOperationId,
    started: operation.started,
    atRest: !operation.started || operation.confirmed,
    startedAt: operation.startedAt,
    unsettled: null,
    verifyFirst: false,
    before: null,
    cancel: false,
    ...baselineIn(operation),
  };
}

/** What the dispatch of its remote apply read belongs to that remote apply. */
function baselineIn({ baseline }: OperationOutcome): Pick<OperationOutcome, 'baseline'> {
  return baseline === undefined ? {} : { baseline };
}

/** A deliberate new attempt of an operation that ended: another key, the remote id cleared (I1, C05). */
export function anew(operation: OperationOutcome): InitialOperation {
  const unsettled = operation.started && (!operation.confirmed || operation.dispatch === 'unconfirmed');
  return {
    deployment: operation.deployment,
    ended: null,
    attempt: operation.attempt + 1,
    remoteApplyId: null,
    remoteOperationId: null,
    started: operation.started,
    atRest: !unsettled,
    startedAt: operation.startedAt,
    unsettled: unsettled
      ? { attempt: operation.attempt, remoteApplyId: operation.remoteApplyId, ...baselineIn(operation) }
      : null,
    verifyFirst: operation.changeInPlace,
    before: operation,
    cancel: false,
  };
}

export function ended(operation: OperationOutcome): InitialOperation {
  return { ...goOn(operation), ended: operation };
}
