import type { ProgressRequest, ProgressResponse, TableProgress } from '../../proto/gen/tern.js';
import { failedPrecondition, invalidArgument } from '../errors.js';
import type { ApplyProgress, ChangeProgress, StoredApply, Target } from '../target.js';
import { assertEnvironment } from './control-calls.js';
import { applyUnknown, applyWithId, type EngineState } from './routing.js';
import { CHANGE_TYPE_ON_WIRE, STATE_ON_WIRE, timeOnWire } from './wire.js';

/** Progress: where an apply is, as its target tells it. Reads only (engine contract 2.5, E34 to E39). */
export async function progress(engine: EngineState, request: ProgressRequest): Promise<ProgressResponse> {
  const { target, apply: found } = await applyWithId(engine, request.applyId);
  assertEnvironment(found, request.environment);
  await assertOperation(target, found, request.applyOperationId);
  const read = await target.progress(found.applyId);
  if (read === null) throw applyUnknown(found.applyId);
  const { apply, changes, controls, detail } = read;
  const done = changes.filter(({ status }) => status === 'completed').length;
  return {
    applyId: apply.applyId,
    state: STATE_ON_WIRE[apply.state],
    engine: engine.kind.onWire,
    summary: `${done} of ${changes.length} changes done${detail === '' ? '' : `; ${detail}`}`,
    errorMessage: apply.state === 'failed' || apply.state === 'failed_retryable' ? apply.errorMessage : '',
    tables: changes.map((change) => tableProgress(apply, change)),
    startedAt: timeOnWire(apply.startedAt),
    completedAt: timeOnWire(apply.completedAt),
    metadata: metadataOf(read),
    settledControlRequests: controls.flatMap((control) =>
      control.status === 'pending'
        ? []
        : [
            {
              operation: control.operation,
              status: control.status,
              errorMessage: control.errorMessage,
              settledAt: timeOnWire(control.settledAt),
              requestedBy: control.requestedBy,
            },
          ],
    ),
    applyOperationId: request.applyOperationId,
  };
}

/** An operation id that is given must be this apply's own (E39). */
async function assertOperation(target: Target, apply: StoredApply, operationId: string): Promise<void> {
  if (operationId === '' || operationId === apply.operationId) return;
  if (!/^[1-9][0-9]{0,17}$/.test(operationId)) {
    throw invalidArgument(`apply_operation_id ${JSON.stringify(operationId)} is not an operation id`);
  }
  const owner = await target.findApplyByOperation(operationId);
  throw owner === null
    ? failedPrecondition(`apply_operation ${operationId} does not exist`)
    : failedPrecondition(`apply_operation ${operationId} belongs to another apply, not to ${apply.applyId}`);
}

function metadataOf({ apply, controls, facts }: ApplyProgress): Record<string, string> {
  const metadata: Record<string, string> = { plan_id: apply.planId };
  const pending = controls.filter((control) => control.status === 'pending').map((control) => control.operation);
  if (pending.length > 0) metadata['pending_controls'] = pending.join(',');
  if (apply.supersededBy !== null) metadata['superseded_by'] = apply.supersededBy;
  return { ...metadata, ...facts };
}

function tableProgress(apply: StoredApply, change: ChangeProgress): TableProgress {
  return {
    taskId: `${apply.operationId}-${change.position}`,
    namespace: change.namespace,
    tableName: change.table,
    ddl: change.ddl,
    status: change.status,
    rowsCopied: String(change.rowsDone),
    rowsTotal: String(change.rowsTotal),
    percentComplete: change.percent,
    etaSeconds: String(change.etaSeconds ?? 0),
    isInstant: change.instant,
    shards: [],
    progressDetail: change.detail,
    changeType: CHANGE_TYPE_ON_WIRE[change.kind],
    checksumRowsChecked: '0',
    checksumRowsTotal: '0',
    errorMessage: change.errorMessage,
    throttled: false,
    throttleReason: '',
    estimatedBytes: undefined,
  };
}
