import { createHash, randomBytes } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { ApplyConflict, ApplyRequest, ApplyResponse } from '../../proto/gen/tern.js';
import type { PlannedChange, ReviewedChange } from '../change.js';
import { CallFailure, failedPrecondition, invalidArgument } from '../errors.js';
import type { Holder, Planned, StoredPlan, Target } from '../target.js';
import { checkDrift } from './drift.js';
import { targetNamed, type EngineState } from './routing.js';
import { schemaFilesFromWire } from './schema-files-from-wire.js';
import { assertServedType, unsupportedRequest } from './supported.js';
import { CHANGE_KIND_FROM_WIRE } from './wire.js';

/**
 * Apply: accepts a reviewed plan for execution and answers before the work begins. What is accepted is durable before the
 * answer (E21). The order of the checks is that of engine contract 2.3, with "busy" before the comparison with the live
 * schema, because a change that is under way makes that schema differ.
 */
export async function apply(engine: EngineState, request: ApplyRequest): Promise<ApplyResponse> {
  if (request.planId === '') throw invalidArgument('plan_id is required');
  if (request.environment === '') throw invalidArgument('environment is required');
  const target = await targetNamed(engine, request.target);
  return (await replay(target, request)) ?? (await target.oneAtATime(() => decide(engine, target, request)));
}

async function decide(engine: EngineState, target: Target, request: ApplyRequest): Promise<ApplyResponse> {
  const known = await replay(target, request);
  if (known !== null) return known;
  assertServedType(engine.kind, request.type);
  const unsupported = unsupportedRequest(request);
  if (unsupported !== null) return refusal(unsupported);

  const stored = await target.findPlan(request.planId);
  if (stored !== null) assertPlanIsFor(stored, target, request);
  if (stored === null && request.ddlChanges.length === 0 && Object.keys(request.schemaFiles).length === 0) {
    return refusal('plan not found');
  }
  const blockedAsStored = stored === null ? null : blockedRefusal(request.planId, stored.changes);
  if (blockedAsStored !== null) return blockedAsStored;
  const holder = await target.findHolder();
  if (holder !== null) return busy(target, holder, request);

  const current = await planNow(target, request, stored);
  const reviewed = stored?.changes ?? reviewedFromWire(request);
  const check = checkDrift(reviewed, current.changes, await target.doneStatements(current.schemaDigest));
  if (check.kind === 'drifted') {
    if (stored === null) throw drifted(request.planId, check.message);
    return refusal(
      `plan ${request.planId}: the live schema has drifted from the reviewed plan; ${check.message}; plan again`,
    );
  }
  const blocked = blockedRefusal(request.planId, current.changes) ?? unsafeRefusal(request, current.changes);
  return blocked ?? (await accept(target, request, current, check.done));
}

/** The answer to a repeat: the same ids whatever has become of the apply (E23, E24), or null for a new key. */
async function replay(target: Target, request: ApplyRequest): Promise<ApplyResponse | null> {
  if (request.idempotencyKey === '') return null;
  const known = await target.findApplyByKey(request.idempotencyKey);
  if (known === null) return null;
  if (known.fingerprint === fingerprintOf(target, request)) return accepted(known.applyId, known.operationId);
  throw failedPrecondition(
    `idempotency key ${request.idempotencyKey} already maps to apply ${known.applyId} (plan ${known.planId}, database ${known.database}, type ${known.type}, environment ${known.environment}); refusing to alias request for plan ${request.planId}, database ${request.database}, type ${request.type}, environment ${request.environment}`,
  );
}

/**
 * What a key stands for. The plan's payload is not part of it: it is sent only where the engine might not know the plan,
 * and the plan's id says what it is.
 */
function fingerprintOf(target: Target, request: ApplyRequest): string {
  const options = Object.entries(request.options).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const parts = [target.name, request.database, request.type, request.environment, request.planId, options];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function assertPlanIsFor(stored: StoredPlan, target: Target, request: ApplyRequest): void {
  const facts = [
    ['database', stored.database, request.database],
    ['type', stored.type, request.type],
    ['environment', stored.environment, request.environment],
    ['target', stored.target, target.name],
  ] as const;
  for (const [name, planned, asked] of facts) {
    if (planned === asked) continue;
    throw failedPrecondition(
      `plan ${stored.planId} was made for ${name} ${planned}; refusing to run it for ${name} ${asked}`,
    );
  }
}

/** What would have to change now. Where the target has lost the schema of a stored plan, the one in the request counts. */
async function planNow(target: Target, request: ApplyRequest, stored: StoredPlan | null): Promise<Planned> {
  const again = stored === null ? null : await target.planAgain(stored);
  if (again !== null) return again;
  if (stored !== null && Object.keys(request.schemaFiles).length === 0) {
    throw failedPrecondition(
      `plan ${stored.planId}: its desired schema is no longer kept on this target, or was read by an older engine, and the request does not bring it along; plan again`,
    );
  }
  const planned = await target.plan({
    schemaFiles: schemaFilesFromWire(request.schemaFiles),
    ignoreTables: stored?.ignoreTables ?? request.ignoreTables,
  });
  if (planned.kind === 'planned') return planned;
  throw new CallFailure(status.INTERNAL, `materialize plan ${request.planId}: ${planned.problems.join('; ')}`);
}

function reviewedFromWire(request: ApplyRequest): readonly ReviewedChange[] {
  return request.ddlChanges.map((change) => ({
    namespace: change.namespace,
    table: change.tableName,
    kind: CHANGE_KIND_FROM_WIRE.get(change.changeType) ?? 'other',
    ddl: change.ddl,
  }));
}

function drifted(planId: string, message: string): CallFailure {
  return new CallFailure(
    status.INTERNAL,
    `materialize plan ${planId}: local schema has drifted from the reviewed plan; ${message}`,
  );
}

async function accept(
  target: Target,
  request: ApplyRequest,
  planned: Planned,
  done: readonly ReviewedChange[],
): Promise<ApplyResponse> {
  const applyId = `apply-${randomBytes(8).toString('hex')}`;
  const { planId, database, type, environment, caller } = request;
  const accepting = {
    applyId,
    idempotencyKey: request.idempotencyKey === '' ? null : request.idempotencyKey,
    fingerprint: fingerprintOf(target, request),
    planId,
    schemaDigest: planned.schemaDigest,
    database,
    type,
    environment,
    target: target.name,
    caller,
    deferCutover: request.options['defer_cutover'] === 'true',
  };
  const acceptance = await planned.accept(accepting, done);
  if (acceptance.kind === 'accepted') return accepted(applyId, acceptance.operationId);
  const winner = acceptance.kind === 'key_taken' ? await replay(target, request) : null;
  if (winner !== null) return winner;
  const holder = await target.findHolder();
  if (holder !== null) return busy(target, holder, request);
  throw new CallFailure(
    status.ABORTED,
    `target ${target.name} was taken and given back in this moment; send the same request again`,
  );
}

function blockedRefusal(planId: string, changes: readonly PlannedChange[]): ApplyResponse | null {
  const blocked = changes.find((change) => change.blockedReason !== null);
  if (blocked === undefined) return null;
  return refusal(
    `plan ${planId} contains a blocked change for table "${blocked.namespace}.${blocked.table}": ${blocked.blockedReason ?? ''}; no option overrides this`,
  );
}

function unsafeRefusal(request: ApplyRequest, changes: readonly PlannedChange[]): ApplyResponse | null {
  if (request.options['allow_unsafe'] === 'true') return null;
  const unsafe = changes.find((change) => change.unsafeReason !== null);
  if (unsafe === undefined) return null;
  return refusal(
    `stored plan ${request.planId} contains unsafe change for table "${unsafe.namespace}.${unsafe.table}": ${unsafe.unsafeReason ?? ''}; retry with allow_unsafe=true`,
  );
}

/** The target is held. The text is for anyone; who holds it stands in `conflict` (engine contract E28). */
function busy(target: Target, { apply: holding, table }: Holder, request: ApplyRequest): ApplyResponse {
  const conflict: ApplyConflict = {
    table,
    shard: '',
    blockingState: holding.state,
    repository: '',
    pullRequest: 0,
    caller: holding.caller,
    holderExternalId: holding.applyId,
  };
  const message = `schema change already in progress for database "${request.database}" (plan ${holding.planId}): target ${target.name} is held by one that is ${holding.state}`;
  return { ...refusal(message), conflict };
}

function accepted(applyId: string, applyOperationId: string): ApplyResponse {
  return { accepted: true, errorMessage: '', applyId, applyOperationId, operationKey: '', conflict: undefined };
}

function refusal(errorMessage: string): ApplyResponse {
  return { accepted: false, errorMessage, applyId: '', applyOperationId: '', operationKey: '', conflict: undefined };
}
