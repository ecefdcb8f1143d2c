import type { ApplyResult } from '../../domain/apply.js';
import type { ControlFacts } from '../../domain/derive.js';
import type { OperationFacts, OperationOutcome } from '../../domain/operation.js';
import type { OnFailure, RolloutPolicy, RolloutSpec, WavePolicy } from '../../domain/spec.js';
import type { WaveFacts } from '../../domain/wave.js';

/** Values that a test of the domain starts from; each takes what matters to the test and fills in the rest. */

export const NO_CONTROLS: ControlFacts = { stop: false, cancel: false, release: false };

/** One wave of everything. */
export function policy(
  onFailure: OnFailure,
  failureTolerance = 0,
  maxConcurrency = 1,
  given: Partial<RolloutPolicy> = {},
): RolloutPolicy {
  return {
    onFailure,
    cutover: 'rolling',
    inFlight: 'finish',
    waves: [wave({ maxConcurrency, failureTolerance })],
    ...given,
  };
}

export function wave(given: Partial<WavePolicy> = {}): WavePolicy {
  return {
    name: 'all',
    deployments: [],
    maxConcurrency: 1,
    failureTolerance: 0,
    bakeTimeMs: 0,
    gate: 'auto',
    expiresAfterMs: null,
    ...given,
  };
}

export const HALT = policy('halt');

/** The rollout of a spec that says nothing of it. */
export const ROLLOUT: RolloutSpec = {
  maxConcurrency: 1,
  onFailure: 'halt',
  failureTolerance: 0,
  cutover: 'rolling',
  inFlight: 'finish',
  waves: [],
};

/** One wave that goes on. */
export const STARTED: readonly WaveFacts[] = [{ started: true, baked: false, approved: false, barred: null }];

/** An operation that nobody has touched, unless the test says more. */
export function operation(given: Partial<OperationFacts> = {}): OperationFacts {
  return {
    deployment: 'eu',
    wave: 0,
    state: 'pending',
    admitted: false,
    permitted: false,
    cutoverRefused: false,
    cutoverAsked: false,
    cancelAsked: false,
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
    waves: [],
    controls: [],
    released: false,
    startedAt: '2026-11-01T10:00:00.000Z',
    completedAt: null,
    ...given,
  };
}
