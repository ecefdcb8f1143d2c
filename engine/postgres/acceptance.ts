import type pg from 'pg';
import type { ReviewedChange } from '../change.js';
import type { Acceptance, NewApply } from '../target.js';
import { inTransaction } from './database.js';
import { violatedUnique } from './errors.js';
import type { Change } from './planning/change.js';
import type { Comparison } from './planning/planner.js';
import { insertApply, KEY_CONSTRAINT, ONE_LIVE_INDEX, supersedeStopped } from './storage/applies.js';
import { writeLog } from './storage/logs.js';
import { insertChanges } from './storage/steps.js';

/**
 * Accepts a comparison for execution, in one transaction: the apply, its changes and steps, and the end of those that were
 * stopped before it. The unique indexes of the storage decide a race with another process.
 */
export async function accept(
  pool: pg.Pool,
  apply: NewApply,
  compared: Comparison,
  done: readonly ReviewedChange[],
): Promise<Acceptance> {
  const changes: readonly Change[] = [...done.map(alreadyDone), ...compared.changes];
  const rowsOf = (change: Change) => compared.sizes.get(`${change.namespace}.${change.table}`)?.rows ?? 0;
  const { applyId, deferCutover, planId } = apply;
  try {
    const operationId = await inTransaction(pool, async (client) => {
      const id = await insertApply(client, apply);
      await insertChanges(client, applyId, changes, { deferCutover, rowsOf });
      for (const superseded of await supersedeStopped(client, applyId)) {
        const message = `superseded by ${applyId}: it can no longer be started`;
        await writeLog(client, superseded, { level: 'warn', event: 'superseded', message });
      }
      const caller = apply.caller === '' ? 'an unnamed caller' : apply.caller;
      const message = `plan ${planId} accepted from ${caller}`;
      await writeLog(client, applyId, { level: 'info', event: 'accepted', message, newState: 'pending' });
      return id;
    });
    return { kind: 'accepted', operationId };
  } catch (error) {
    const constraint = violatedUnique(error);
    if (constraint === KEY_CONSTRAINT) return { kind: 'key_taken' };
    if (constraint === ONE_LIVE_INDEX) return { kind: 'held' };
    throw error;
  }
}

/** On record as part of the apply, with nothing left to run. */
function alreadyDone({ namespace, table, kind, ddl }: ReviewedChange): Change {
  return { namespace, table, kind, ddl, unsafeReason: null, blockedReason: null, steps: [] };
}
