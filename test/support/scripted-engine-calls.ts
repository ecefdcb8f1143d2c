import type * as lookup from '../../proto/gen/lookup.js';
import * as wire from '../../proto/gen/tern.js';
import type { ScriptedApply } from './scripted-engine-apply.js';
import { cancel, type ControlOf, cutover, revert, skipRevert, start, stop } from './scripted-engine-controls.js';
import type { Rpc } from './scripted-engine-ledger.js';
import type { ScriptedPlane } from './scripted-engine-plane.js';
import { StatusOutcome } from './scripted-engine-plans.js';
import { progressOf } from './scripted-engine-progress.js';

/** What HealthResponse says beyond `ok`. */
export interface HealthFacts {
  readonly version: string;
  readonly capabilities: readonly string[];
}

/** The fields by which a request says what it is about; absent ones are empty. */
export interface RequestFields {
  readonly applyId?: string;
  readonly applyOperationId?: string;
  readonly idempotencyKey?: string;
  readonly target?: string;
  readonly caller?: string;
  readonly environment?: string;
}

/** One synchronous function per call: the request in, the answer out, a `StatusOutcome` thrown. */
export type Handlers = { readonly [Name in Rpc]: (request: never) => object };

export function handlersOf(plane: ScriptedPlane, health: HealthFacts, routesByTarget: boolean): Handlers {
  const control = (rpc: Rpc, request: { applyId: string; caller?: string }): ControlOf => {
    const apply = find(plane, rpc, request.applyId);
    return { apply, dialect: plane.dialect, caller: request.caller ?? '' };
  };
  return {
    Health: () => ({ status: 'ok', version: health.version, capabilities: [...health.capabilities] }),
    PullSchema: (request: wire.PullSchemaRequest): wire.PullSchemaResponse => pullSchema(plane, request),
    Plan: (request: wire.PlanRequest) => plane.plan(request),
    PlanDiff: (request: wire.PlanRequest) => plane.planDiff(request),
    Apply: (request: wire.ApplyRequest) => plane.apply(request),
    FindApply: (request: lookup.FindApplyRequest) => findApply(plane, request),
    Progress: (request: wire.ProgressRequest) => progress(plane, request, routesByTarget),
    Logs: (request: wire.LogsRequest) => logs(plane, request, routesByTarget),
    Stop: (request: wire.StopRequest) => ({ ...NO_COUNTS, ...stop(control('Stop', request)) }),
    Cancel: (request: wire.CancelRequest) => ({ ...NO_COUNTS, ...cancel(control('Cancel', request)) }),
    Start: (request: wire.StartRequest) => ({ ...NO_COUNTS, ...start(control('Start', request)) }),
    Cutover: (request: wire.CutoverRequest) => cutover(control('Cutover', request), request.applyOperationId),
    Revert: (request: wire.RevertRequest) => revert(control('Revert', request)),
    SkipRevert: (request: wire.SkipRevertRequest) => skipRevert(control('SkipRevert', request)),
  };
}

/** The counts of a control's answer, which engines mostly leave at zero (engine contract 2.6). */
export const NO_COUNTS = {
  stoppedCount: '0',
  skippedCount: '0',
  cancelledCount: '0',
  startedCount: '0',
  resumeDeadline: '',
};

function find(plane: ScriptedPlane, rpc: Rpc, applyId: string): ScriptedApply {
  if (applyId === '') throw new StatusOutcome('INVALID_ARGUMENT', 'apply_id is required');
  const apply = plane.find(applyId);
  if (apply !== undefined) return apply;
  throw new StatusOutcome('INTERNAL', `load apply ${applyId} before ${rpc.toLowerCase()}: apply not found`);
}

function progress(plane: ScriptedPlane, request: wire.ProgressRequest, routesByTarget: boolean): wire.ProgressResponse {
  const { applyId, applyOperationId } = request;
  const apply = findToRead(plane, applyId, () =>
    routesByTarget && plane.dialect === 'limited'
      ? new StatusOutcome('INTERNAL', `apply "${applyId}" not found for progress routing`)
      : new StatusOutcome('NOT_FOUND', `get apply ${applyId}: apply not found`),
  );
  const foreign = applyOperationId !== '' && applyOperationId !== apply.identity.operationId;
  if (plane.dialect === 'full' && foreign) {
    throw new StatusOutcome('INTERNAL', `apply_operation ${applyOperationId} belongs to another apply`);
  }
  return progressOf(apply, applyOperationId, plane.dialect);
}

function logs(plane: ScriptedPlane, request: wire.LogsRequest, routesByTarget: boolean): wire.LogsResponse {
  if (routesByTarget && request.target === '' && request.applyId !== '') {
    throw new StatusOutcome('INTERNAL', 'route logs for target "": target is required');
  }
  const apply = findToRead(
    plane,
    request.applyId,
    () => new StatusOutcome('NOT_FOUND', `get apply ${request.applyId} for logs: apply not found`),
  );
  const limit = request.limit <= 0 ? 50 : Math.min(request.limit, 1_000);
  const lines = apply.logs.map((log, index) =>
    wire.ApplyLog.fromPartial({ ...log, id: String(index + 1), level: 'info', eventType: 'state' }),
  );
  return { applyId: apply.remoteApplyId, logs: lines.slice(-limit) };
}

function findToRead(plane: ScriptedPlane, applyId: string, missing: () => StatusOutcome): ScriptedApply {
  if (applyId === '') throw new StatusOutcome('INVALID_ARGUMENT', 'apply_id is required');
  const apply = plane.find(applyId);
  if (apply === undefined) throw missing();
  return apply;
}

function findApply(plane: ScriptedPlane, request: lookup.FindApplyRequest): lookup.FindApplyResponse {
  if (request.idempotencyKey === '') throw new StatusOutcome('INVALID_ARGUMENT', 'idempotency_key is required');
  const apply = plane.findApply(request.idempotencyKey, request.target);
  return {
    found: apply !== null,
    applyId: apply?.remoteApplyId ?? '',
    applyOperationId: apply?.identity.operationId ?? '',
    operationKey: '',
  };
}

function pullSchema(plane: ScriptedPlane, request: wire.PullSchemaRequest): wire.PullSchemaResponse {
  const { database, type, environment, target } = request;
  const tables = Object.fromEntries(plane.target(target).live);
  const tableCount = Object.keys(tables).length;
  return wire.PullSchemaResponse.fromPartial({
    database,
    type,
    environment,
    tableCount,
    namespaces: { public: { tables } },
  });
}
