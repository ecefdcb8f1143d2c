import { createHash, randomBytes } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { ApplyConflict, ApplyRequest, ApplyResponse } from '../../proto/gen/tern.js';
import { inTransaction } from '../postgres/database.js';
import { CallFailure, failedPrecondition, invalidArgument, violatedUnique } from '../errors.js';
import type { Change } from '../postgres/planning/change.js';
import type { Planned } from '../postgres/planning/planner.js';
import {
  findApplyByKey,
  findLiveApply,
  insertApply,
  KEY_CONSTRAINT,
  ONE_LIVE_INDEX,
  supersedeStopped,
  type StoredApply,
} from '../postgres/storage/applies.js';
import { writeLog } from '../postgres/storage/logs.js';
import { findPlan, type StoredPlan } from '../postgres/storage/plans.js';
import { insertChanges, readChanges, readDoneStatements } from '../postgres/storage/steps.js';
import type { Target } from '../postgres/postgres-target.js';
import { checkDrift, type ReviewedChange } from './drift.js';
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
  return (await replay(target, request)) ?? (await target.oneAtATime(() => decide(target, request)));
}

async function decide(target: Target, request: ApplyRequest): Promise<ApplyResponse> {
  const known = await replay(target, request);
  if (known !== null) return known;
  assertServedType(request.type);
  const unsupported = unsupportedRequest(request);
  if (unsupported !== null) return refusal(unsupported);

  const stored = await findPlan(target.pool, request.planId);
  if (stored !== null) assertPlanIsFor(stored, target, request);
  if (stored === null && request.ddlChanges.length === 0 && Object.keys(request.schemaFiles).length === 0) {
    return refusal('plan not found');
  }
  const blockedAsStored = stored === null ? null : blockedRefusal(request.planId, stored.changes);
  if (blockedAsStored !== null) return blockedAsStored;
  const holder = await findLiveApply(target.pool);
  if (holder !== null) return busy(target, holder, request);

  const current = await planNow(target, request, stored);
  const reviewed = stored?.changes ?? reviewedFromWire(request);
  const check = checkDrift(reviewed, current.changes, await readDoneStatements(target.pool, current.schemaDigest));
  if (check.kind === 'drifted') {
    if (stored === null) throw drifted(request.planId, check.message);
    return refusal(
      `plan ${request.planId}: the live schema has drifted from the reviewed plan; ${check.message}; plan again`,
    );
  }
  const blocked = blockedRefusal(request.planId, check.changes) ?? unsafeRefusal(request, check.changes);
  return blocked ?? (await accept(target, request, current, check.changes));
}

/** The answer to a repeat: the same ids whatever has become of the apply (E23, E24), or null for a new key. */
async function replay(target: Target, request: ApplyRequest): Promise<ApplyResponse | null> {
  if (request.idempotencyKey === '') return null;
  const known = await findApplyByKey(target.pool, request.idempotencyKey);
  if (known === null) return null;
  if (known.fingerprint === fingerprintOf(target, request)) return acceptance(known.applyId, known.operationId);
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

async function planNow(
  target: Target,
  request: ApplyRequest,
  stored: StoredPlan | null,
): Promise<Extract<Planned, { kind: 'planned' }>> {
  if (stored !== null) return target.planner.planAgain(stored);
  const planned = await target.planner.plan({
    schemaFiles: schemaFilesFromWire(request.schemaFiles),
    ignoreTables: request.ignoreTables,
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
  planned: Extract<Planned, { kind: 'planned' }>,
  changes: readonly Change[],
): Promise<ApplyResponse> {
  const applyId = `apply-${randomBytes(8).toString('hex')}`;
  const deferCutover = request.options['defer_cutover'] === 'true';
  const rowsOf = (change: Change) => planned.sizes.get(`${change.namespace}.${change.table}`)?.rows ?? 0;
  try {
    const operationId = await inTransaction(target.pool, async (client) => {
      const id = await insertApply(client, {
        applyId,
        idempotencyKey: request.idempotencyKey === '' ? null : request.idempotencyKey,
        fingerprint: fingerprintOf(target, request),
        planId: request.planId,
        schemaDigest: planned.schemaDigest,
        database: request.database,
        type: request.type,
        environment: request.environment,
        target: target.name,
        caller: request.caller,
        deferCutover,
      });
      await insertChanges(client, applyId, changes, { deferCutover, rowsOf });
      for (const superseded of await supersedeStopped(client, applyId)) {
        const message = `superseded by ${applyId}: it can no longer be started`;
        await writeLog(client, superseded, { level: 'warn', event: 'superseded', message });
      }
      await writeLog(client, applyId, {
        level: 'info',
        event: 'accepted',
        message: `plan ${request.planId} accepted from ${request.caller === '' ? 'an unnamed caller' : request.caller}`,
        newState: 'pending',
      });
      return id;
    });
    target.executor.wake.notify();
    return acceptance(applyId, operationId);
  } catch (error) {
    // Another process of this engine was faster; its row is the truth.
    const constraint = violatedUnique(error);
    if (constraint === KEY_CONSTRAINT) {
      const winner = await replay(target, request);
      if (winner !== null) return winner;
    }
    if (constraint === ONE_LIVE_INDEX) {
      const holder = await findLiveApply(target.pool);
      if (holder !== null) return busy(target, holder, request);
      throw new CallFailure(
        status.ABORTED,
        `target ${target.name} was taken and given back in this moment; send the same request again`,
        {
          cause: error,
        },
      );
    }
    throw error;
  }
}

function blockedRefusal(planId: string, changes: readonly Change[]): ApplyResponse | null {
  const blocked = changes.find((change) => change.blockedReason !== null);
  if (blocked === undefined) return null;
  return refusal(
    `plan ${planId} contains a blocked change for table "${blocked.namespace}.${blocked.table}": ${blocked.blockedReason ?? ''}; no option overrides this`,
  );
}

function unsafeRefusal(request: ApplyRequest, changes: readonly Change[]): ApplyResponse | null {
  if (request.options['allow_unsafe'] === 'true') return null;
  const unsafe = changes.find((change) => change.unsafeReason !== null);
  if (unsafe === undefined) return null;
  return refusal(
    `stored plan ${request.planId} contains unsafe change for table "${unsafe.namespace}.${unsafe.table}": ${unsafe.unsafeReason ?? ''}; retry with allow_unsafe=true`,
  );
}

/** The target is held. The text is for anyone; who holds it stands in `conflict` (engine contract E28). */
async function busy(target: Target, holder: StoredApply, request: ApplyRequest): Promise<ApplyResponse> {
  const [change] = await readChanges(target.pool, holder.applyId);
  const conflict: ApplyConflict = {
    table: change === undefined ? '' : `${change.namespace}.${change.table}`,
    shard: '',
    blockingState: holder.state,
    repository: '',
    pullRequest: 0,
    caller: holder.caller,
    holderExternalId: holder.applyId,
  };
  const message = `schema change already in progress for database "${request.database}" (plan ${holder.planId}): target ${target.name} is held by one that is ${holder.state}`;
  return { ...refusal(message), conflict };
}

function acceptance(applyId: string, applyOperationId: string): ApplyResponse {
  return { accepted: true, errorMessage: '', applyId, applyOperationId, operationKey: '', conflict: undefined };
}

function refusal(errorMessage: string): ApplyResponse {
  return { accepted: false, errorMessage, applyId: '', applyOperationId: '', operationKey: '', conflict: undefined };
}
