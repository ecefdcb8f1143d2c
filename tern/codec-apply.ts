import type { EngineLog } from '../domain/log.js';
import * as wire from '../proto/gen/tern.js';
import { encodeSchemaFiles, encodeTableChange } from './codec-plan.js';
import type { ApplyAnswer, ApplyRequest } from './engine.js';
import { cleanText } from './text.js';

/**
 * The operation key of a dispatch that is for a whole deployment, which is what every dispatch here is: it names neither
 * a shard nor a member (engine contract 2.3).
 */
export const WHOLE_DEPLOYMENT_KEY = '';

/** An answer to Apply or FindApply that must not be believed (engine contract C07, C08), and why. */
export interface BrokenAnswer {
  readonly kind: 'broken';
  readonly reason: string;
}

/** The same request in is the same bytes out: maps are in the order of their keys, lists in the order given. */
export function encodeApplyRequest(request: ApplyRequest): wire.ApplyRequest {
  return wire.ApplyRequest.fromPartial({
    planId: request.planId,
    options: {
      ...(request.allowUnsafe ? { allow_unsafe: 'true' } : {}),
      ...(request.deferCutover ? { defer_cutover: 'true' } : {}),
    },
    schemaFiles: encodeSchemaFiles(request.schemaFiles),
    database: request.database,
    type: request.type,
    ddlChanges: request.changes.map(encodeTableChange),
    environment: request.environment,
    target: request.target,
    caller: request.caller,
    idempotencyKey: request.idempotencyKey,
  });
}

/** Ids in a refusal are ignored (C06); an acceptance without an id, or for something else, is broken (C07, C08). */
export function decodeApplyAnswer(response: wire.ApplyResponse, address: string): ApplyAnswer | BrokenAnswer {
  if (!response.accepted) {
    const { conflict } = response;
    return {
      kind: 'refused',
      message: cleanText(response.errorMessage, address) || 'the engine gave no reason',
      conflict:
        conflict === undefined
          ? null
          : {
              table: conflict.table,
              blockingState: conflict.blockingState,
              caller: conflict.caller,
              holderRemoteApplyId: conflict.holderExternalId,
            },
    };
  }
  const broken = brokenIdentity(response);
  if (broken !== null) return broken;
  return {
    kind: 'accepted',
    remoteApplyId: response.applyId,
    remoteOperationId: response.applyOperationId === '' ? null : response.applyOperationId,
  };
}

export function brokenIdentity(response: Pick<wire.ApplyResponse, 'applyId' | 'operationKey'>): BrokenAnswer | null {
  if (response.applyId === '') {
    return { kind: 'broken', reason: 'accepted without an apply id (engine contract C07)' };
  }
  if (response.operationKey !== WHOLE_DEPLOYMENT_KEY) {
    const got = JSON.stringify(response.operationKey.slice(0, 200));
    return {
      kind: 'broken',
      reason: `accepted for operation key ${got} instead of the whole deployment (engine contract C08)`,
    };
  }
  return null;
}

export function decodeLog(log: wire.ApplyLog, address: string): EngineLog {
  return {
    id: log.id,
    level: log.level.toLowerCase(),
    eventType: log.eventType,
    message: cleanText(log.message, address),
    oldState: log.oldState,
    newState: log.newState,
    createdAt: log.createdAt,
  };
}
