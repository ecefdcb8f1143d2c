import type { ApplyView, OperationView } from '../../domain/apply.js';
import type { LiveDetail } from '../../domain/live.js';
import type { OperationOutcome } from '../../domain/operation.js';
import type { ApplySpec } from '../../domain/spec.js';
import type { DescribedOperation } from '../../domain/status.js';
import { freshWave } from '../../domain/wave.js';
import { HALT, ROLLOUT } from './builders.js';

/** What an apply and its operations answer when they are asked; each takes what matters to the test. */

export const SPEC: ApplySpec = {
  database: 'orders',
  type: 'postgres',
  environment: 'production',
  deployments: ['eu', 'us', 'ap'].map((name) => ({ name, target: `orders_${name}`, queue: 'skein' })),
  rollout: ROLLOUT,
  verify: true,
  pollIntervalMs: null,
};

export function seen(deployment: string, given: Partial<OperationView> = {}): OperationView {
  return {
    deployment,
    target: `orders_${deployment}`,
    wave: 0,
    workflowId: `production/orders/${deployment}/orders_${deployment}`,
    runId: 'run-1',
    stage: 'pending',
    reported: null,
    permitted: false,
    cutoverRefused: false,
    cutoverAsked: false,
    cancelAsked: false,
    cutoverRefusal: '',
    attempt: 0,
    remoteApplyId: null,
    started: false,
    startedAt: null,
    outcome: null,
    ...given,
  };
}

export function endedAs(end: OperationOutcome): OperationView {
  return seen(end.deployment, { stage: 'ended', outcome: end, started: end.started });
}

export function view(operations: readonly OperationView[], given: Partial<ApplyView> = {}): ApplyView {
  return {
    apply: 'orders-7f3a',
    spec: SPEC,
    policy: HALT,
    operations,
    waves: [{ ...freshWave('all'), startedAt: '2026-11-01T10:00:00.000Z' }],
    allowDrift: false,
    controls: [],
    stop: false,
    cancel: false,
    released: false,
    ...given,
  };
}

export function live(given: Partial<LiveDetail> = {}): DescribedOperation {
  return {
    control: null,
    live: {
      state: 'running',
      phase: null,
      started: true,
      startedAt: '2026-11-01T10:00:00.000Z',
      remoteApplyId: 'remote-1',
      progress: null,
      detail: '',
      unreachableSince: null,
      lastError: null,
      progressAt: null,
      parkedSince: null,
      parkedUntil: null,
      ...given,
    },
  };
}
