import type { ApplyResult } from '../../domain/apply.js';
import type { ControlFacts } from '../../domain/derive.js';
import type { OperationFacts, OperationOutcome } from '../../domain/operation.js';
import type { RolloutPolicy } from '../../domain/spec.js';

/** Values that a test of the domain starts from; each takes what matters to the test and fills in the rest. */

export const NO_CONTROLS: ControlFacts = { stop: false, cancel: false, release: false };

export const HALT: RolloutPolicy = { maxConcurrency: 1, onFailure: 'halt', failureTolerance: 0, cutover: 'rolling' };

/** An operation that nobody has touched, unless the test says more. */
export function operation(given: Partial<OperationFacts> = {}): OperationFacts {
  return {
    deployment: 'eu',
    state: 'pending',
    admitted: false,
    permitted: false,
    cutoverRefused: false,
    started: false,
    reachable: true,
    reason: null,
    skipped: false,
    ...given,
  };
}

/** An operation that completed, unless the test says more. */
export function outcome(given: Partial<OperationOutcome> = {}): OperationOutcome {
  return {
    deployment: 'eu',
    target: 'orders_eu',
    state: 'completed',
    reason: null,
    started: true,
    confirmed: true,
    skipped: false,
    attempt: 0,
    remoteApplyId: 'remote-1',
    remoteOperationId: 'remote-operation-1',
    dispatch: 'confirmed',
    resolvedBy: null,
    message: '',
    drift: [],
    changeInPlace: false,
    progress: null,
    startedAt: '2026-11-01T10:00:00.000Z',
    completedAt: '2026-11-01T10:05:00.000Z',
    ...given,
  };
}

/** An operation that was never sent and ended without its engine. */
export function unsent(given: Partial<OperationOutcome> = {}): OperationOutcome {
  return outcome({
    state: 'stopped',
    reason: 'operator',
    started: false,
    remoteApplyId: null,
    remoteOperationId: null,
    dispatch: 'none',
    startedAt: null,
    completedAt: null,
    ...given,
  });
}

export function result(operations: readonly OperationOutcome[], given: Partial<ApplyResult> = {}): ApplyResult {
  return {
    apply: 'orders-7f3a',
    state: 'stopped',
    message: '',
    operations,
    controls: [],
    released: false,
    startedAt: '2026-11-01T10:00:00.000Z',
    completedAt: null,
    ...given,
  };
}
