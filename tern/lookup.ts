import type { FindApplyResponse } from '../proto/gen/lookup.js';
import { CAPABILITY } from './capabilities.js';
import { type BrokenAnswer, brokenIdentity } from './codec-apply.js';
import type { EngineHealth, FindApplyAnswer } from './engine.js';

/** Whether an engine can be asked for an apply by its idempotency key (design 4.2). */
export function offersLookup(health: EngineHealth): boolean {
  return health.capabilities.includes(CAPABILITY.lookupByKey);
}

/** What was found is judged as an answer to Apply is: without an id, or for something else, it is not believed. */
export function decodeFindApply(response: FindApplyResponse): FindApplyAnswer | BrokenAnswer {
  if (!response.found) return { kind: 'not_found' };
  return (
    brokenIdentity(response) ?? {
      kind: 'found',
      remoteApplyId: response.applyId,
      remoteOperationId: response.applyOperationId === '' ? null : response.applyOperationId,
    }
  );
}
