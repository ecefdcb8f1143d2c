import type { FindApplyRequest, FindApplyResponse } from '../../proto/gen/lookup.js';
import type { HealthResponse, LogsRequest, LogsResponse } from '../../proto/gen/tern.js';
import { invalidArgument, unavailable } from '../errors.js';
import { assertEnvironment } from './control-calls.js';
import { applyWithId, applyWithKey, type EngineState } from './routing.js';

/** What this engine can do beyond the contract's minimum, by name (engine contract 2.9, E03). */
export const CAPABILITIES: readonly string[] = ['skein.lookup_by_key', 'skein.defer_cutover'];

/**
 * Health. With several targets the engine is up as long as one of them answers: calls for a target that does not answer
 * are UNAVAILABLE one by one, and its neighbours are not held up by it (E02).
 */
export async function health(engine: EngineState): Promise<HealthResponse> {
  const asked = [...engine.targets.values()].map(async (target) => {
    if (!(await target.answers())) throw new Error(`target ${target.name} does not answer`);
  });
  try {
    await Promise.any(asked);
  } catch (error) {
    throw unavailable('service unavailable: the storage of no target answers', error);
  }
  return { status: 'ok', version: engine.version, capabilities: [...CAPABILITIES] };
}

/** Logs: the newest lines of an apply, oldest first (engine contract 2.7). */
export async function logs(engine: EngineState, request: LogsRequest): Promise<LogsResponse> {
  const { target, apply } = await applyWithId(engine, request.applyId);
  assertEnvironment(apply, request.environment);
  const lines = await target.logs(apply.applyId, request.limit);
  return {
    applyId: apply.applyId,
    logs: lines.map((line) => ({
      id: line.id,
      taskId: line.changePosition === null ? undefined : String(line.changePosition),
      level: line.level,
      eventType: line.event,
      source: 'engine',
      message: line.message,
      oldState: line.oldState,
      newState: line.newState,
      metadataJson: Buffer.from(JSON.stringify(line.metadata)),
      createdAt: line.createdAt.toISOString(),
    })),
  };
}

/** FindApply: which apply an idempotency key belongs to. Not found is definite (see lookup.proto). */
export async function findApply(engine: EngineState, request: FindApplyRequest): Promise<FindApplyResponse> {
  if (request.idempotencyKey === '') throw invalidArgument('idempotency_key is required');
  const found = await applyWithKey(engine, request.idempotencyKey, request.target);
  return {
    found: found !== null,
    applyId: found?.apply.applyId ?? '',
    applyOperationId: found?.apply.operationId ?? '',
    operationKey: '',
  };
}
