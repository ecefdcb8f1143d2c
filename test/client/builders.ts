import type { ApplyInput, ApplyView, InitialOperation } from '../../domain/apply.js';
import type { OperationOutcome } from '../../domain/operation.js';
import type { DeploymentAnswer } from '../../domain/planning.js';
import type { TableChange } from '../../domain/plan.js';
import { type ApplySpec, type RolloutSpec, resolvePolicy } from '../../domain/spec.js';
import type { ApplyStatus } from '../../domain/status.js';
import type { OperationStatus } from '../../domain/operation-status.js';
import { change as stated } from '../domain/changes.js';

/** Values of the shapes the client works with, whole and plain; a test says only what it is about. */

export const SCHEMA_FILES = { public: { 'orders.sql': 'CREATE TABLE orders (id bigint);' } } as const;

/** The rollout of a spec that says nothing of it. */
export const ROLLOUT: RolloutSpec = {
  maxConcurrency: 1,
  onFailure: 'halt',
  failureTolerance: 0,
  cutover: 'rolling',
  inFlight: 'finish',
  waves: [],
};

export function spec(
  overrides: Partial<ApplySpec> = {},
  deployments: readonly string[] = ['eu', 'us', 'ap'],
): ApplySpec {
  return {
    database: 'orders',
    type: 'postgres',
    environment: 'production',
    deployments: deployments.map((name) => ({ name, target: `orders_${name}`, queue: 'skein' })),
    rollout: { ...ROLLOUT },
    verify: true,
    pollIntervalMs: null,
    ...overrides,
  };
}

export function change(ddl: string, overrides: Partial<TableChange> = {}): TableChange {
  return stated(ddl, { namespace: 'public', table: 'orders', ...overrides });
}

export function answer(
  deployment: string,
  changes: readonly TableChange[],
  overrides: Partial<DeploymentAnswer> = {},
): DeploymentAnswer {
  return {
    deployment,
    target: `orders_${deployment}`,
    plan: { planId: `plan-${deployment}`, engine: 'postgres', changes, lintViolations: [], errors: [], leftovers: [] },
    error: null,
    unreachable: false,
    addressDigest: deployment,
    ...overrides,
  };
}

export function applyInput(overrides: Partial<ApplyInput> = {}): ApplyInput {
  const given = overrides.spec ?? spec();
  return {
    spec: given,
    specDigest: 'digest-of-the-spec',
    plan: {
      schemaFiles: SCHEMA_FILES,
      classes: [
        {
          digest: 'class-1',
          changes: [change('ALTER TABLE orders ADD COLUMN note text')],
          lintViolations: [],
          leftovers: [],
        },
      ],
      deployments: given.deployments.map(({ name }) => ({
        deployment: name,
        planId: `plan-${name}`,
        digest: 'class-1',
      })),
    },
    allowUnsafe: false,
    allowDrift: false,
    caller: 'test',
    carried: null,
    ...overrides,
  };
}

export function initial(deployment: string, overrides: Partial<InitialOperation> = {}): InitialOperation {
  return {
    deployment,
    ended: null,
    attempt: 0,
    remoteApplyId: null,
    remoteOperationId: null,
    started: false,
    atRest: true,
    startedAt: null,
    unsettled: null,
    verifyFirst: false,
    before: null,
    cancel: false,
    ...overrides,
  };
}

export function outcome(
  deployment: string,
  state: OperationOutcome['state'],
  overrides: Partial<OperationOutcome> = {},
): OperationOutcome {
  return {
    deployment,
    target: `orders_${deployment}`,
    state,
    reason: null,
    started: true,
    confirmed: true,
    skipped: false,
    attempt: 0,
    remoteApplyId: `apply-${deployment}`,
    remoteOperationId: null,
    dispatch: 'confirmed',
    resolvedBy: null,
    message: '',
    drift: [],
    changeInPlace: false,
    progress: null,
    startedAt: '2026-01-01T12:00:00.000Z',
    completedAt: state === 'stopped' ? null : '2026-01-01T12:00:10.000Z',
    ...overrides,
  };
}

export function operationStatus(
  deployment: string,
  state: OperationStatus['state'],
  overrides: Partial<OperationStatus> = {},
): OperationStatus {
  return {
    deployment,
    target: `orders_${deployment}`,
    wave: null,
    state,
    started: state !== 'pending',
    attempt: 0,
    remoteApplyId: state === 'pending' ? null : `apply-${deployment}`,
    reason: null,
    message: '',
    confirmed: true,
    skipped: false,
    resolvedBy: null,
    unverified: false,
    drift: [],
    phase: null,
    waitingOn: '',
    unreachableSince: null,
    progress: null,
    progressAt: null,
    parkedSince: null,
    parkedUntil: null,
    cutoverAsked: false,
    startedAt: state === 'pending' ? null : '2026-01-01T12:00:00.000Z',
    completedAt: null,
    next: 'the next step',
    ...overrides,
  };
}

export function applyStatus(overrides: Partial<ApplyStatus> = {}): ApplyStatus {
  return {
    apply: 'orders-1',
    state: 'running',
    detail: 'full',
    waitingFor: null,
    message: '',
    database: 'orders',
    environment: 'production',
    startedAt: '2026-01-01T12:00:00.000Z',
    completedAt: null,
    counts: {},
    interrupted: null,
    policy: resolvePolicy(spec()),
    waves: [],
    allowDrift: false,
    controls: [],
    operations: [],
    resumableUntil: null,
    ...overrides,
  };
}

/** Fails a test that looks for an operation the view does not have. */
export function operationOf(view: ApplyView, deployment: string): ApplyView['operations'][number] {
  const found = view.operations.find((operation) => operation.deployment === deployment);
  if (found === undefined) throw new Error(`no operation ${deployment} in the view`);
  return found;
}
