import { databaseText, isConnectionLoss, sqlState } from '../errors.js';

/**
 * What an error of a step means:
 * - `lock`: somebody holds the lock; tried again without limit, because only people can end that somebody.
 * - `cancelled`: the statement was cancelled: by our own stop, or by somebody else, which counts as `transient`.
 * - `connection`: nobody can tell what happened; the catalogue is asked after the connection is back.
 * - `transient`: the server could not do it now; tried again a bounded number of times.
 * - `permanent`: the statement is wrong for this data or this schema.
 */
export type StepErrorKind = 'lock' | 'cancelled' | 'connection' | 'transient' | 'permanent';

const LOCK_STATES: ReadonlySet<string> = new Set(['55P03', '40P01', '55006']);
const TRANSIENT_STATES: ReadonlySet<string> = new Set(['40001', 'XX000', '58030', '58000']);

export function kindOfStepError(error: unknown): StepErrorKind {
  if (isConnectionLoss(error)) return 'connection';
  const state = sqlState(error);
  if (state === null) return 'permanent';
  if (state === '57014') return 'cancelled';
  if (LOCK_STATES.has(state)) return 'lock';
  // Class 53 is "insufficient resources": disk full, out of memory, too many connections.
  if (TRANSIENT_STATES.has(state) || state.startsWith('53')) return 'transient';
  return 'permanent';
}

/** A step failed for good. Its message is the one of the apply: it names the table, the statement and the reason. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';

  constructor(params: {
    readonly namespace: string;
    readonly table: string;
    readonly statement: string;
    readonly cause: unknown;
  }) {
    super(`table ${params.namespace}.${params.table}: ${params.statement} failed: ${databaseText(params.cause)}`, {
      cause: params.cause,
    });
  }
}
