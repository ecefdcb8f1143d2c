import type { Observation, Progress, SettledControl } from '../domain/observation.js';
import type { OperationState } from '../domain/state.js';
import { type ProgressResponse, State, type TableProgress } from '../proto/gen/tern.js';
import { cleanText } from './text.js';

/** What a wire state is in the words of the domain; `phase` is null where it adds nothing to the state. */
export interface ObservedState {
  readonly state: OperationState | 'missing';
  readonly phase: string | null;
}

/**
 * Every state of the wire. A state that is finer than ours is `running` with the wire's word as phase, because it decides
 * nothing; the two that look like ours and are not have a comment.
 */
export const OBSERVED_STATE = {
  // For a known apply this is "I do not know that apply" (C19). It is also what an empty answer decodes to.
  STATE_NO_ACTIVE_CHANGE: { state: 'missing', phase: null },
  // Accepted and queued in the engine. Our own `pending` is an operation that nothing was sent for.
  STATE_PENDING: { state: 'running', phase: 'pending' },
  STATE_RUNNING: { state: 'running', phase: null },
  STATE_WAITING_FOR_CUTOVER: { state: 'waiting_for_cutover', phase: null },
  STATE_CUTTING_OVER: { state: 'cutting_over', phase: null },
  STATE_REVERT_WINDOW: { state: 'revert_window', phase: null },
  STATE_COMPLETED: { state: 'completed', phase: null },
  STATE_FAILED: { state: 'failed', phase: null },
  STATE_STOPPED: { state: 'stopped', phase: null },
  STATE_REVERTED: { state: 'reverted', phase: null },
  STATE_CANCELLED: { state: 'cancelled', phase: null },
  STATE_PREPARING_BRANCH: { state: 'running', phase: 'preparing_branch' },
  STATE_APPLYING_BRANCH_CHANGES: { state: 'running', phase: 'applying_branch_changes' },
  STATE_CREATING_DEPLOY_REQUEST: { state: 'running', phase: 'creating_deploy_request' },
  STATE_WAITING_FOR_DEPLOY: { state: 'running', phase: 'waiting_for_deploy' },
  STATE_VALIDATING_DEPLOY_REQUEST: { state: 'running', phase: 'validating_deploy_request' },
  STATE_VALIDATING_BRANCH: { state: 'running', phase: 'validating_branch' },
  STATE_RECOVERING: { state: 'running', phase: 'recovering' },
  STATE_REVERTING: { state: 'reverting', phase: null },
  STATE_CATCHING_UP: { state: 'running', phase: 'catching_up' },
  STATE_CHECKSUMMING: { state: 'running', phase: 'checksumming' },
  STATE_POST_CHECKSUM: { state: 'running', phase: 'post_checksum' },
  STATE_FAILED_RETRYABLE: { state: 'failed_retryable', phase: null },
} as const satisfies Readonly<Record<keyof typeof State, ObservedState>>;

const OBSERVED_BY_NUMBER: ReadonlyMap<number, ObservedState> = new Map(
  Object.entries(State).map(([name, number]) => [number, OBSERVED_STATE[name as keyof typeof State]]), // keys of State itself
);

/** The key of Progress metadata under which an engine says when it gives up what waits: an RFC 3339 time. */
const PARKED_UNTIL = 'parked_until';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** The answer to a Progress for a remote apply that the engine does not know. */
export function missingObservation(message: string): Observation {
  return { state: 'missing', phase: null, message, detail: '', progress: null, parkedUntil: null, settledControls: [] };
}

/** An answer to Progress for a known remote apply. Never refuses: what it cannot read is `running` and visible (C20). */
export function decodeObservation(response: ProgressResponse, address: string): Observation {
  const { state, phase } = observedState(response);
  return {
    state,
    phase,
    message: cleanText(messageOf(response, state), address),
    detail: cleanText(detailOf(response), address),
    progress: progressOf(response.tables, state),
    parkedUntil: timeOf(response.metadata[PARKED_UNTIL]),
    settledControls: response.settledControlRequests.map(
      (settled): SettledControl => ({
        operation: settled.operation,
        status: settled.status,
        message: cleanText(settled.errorMessage, address),
        settledAt: settled.settledAt,
      }),
    ),
  };
}

/** A table's status in lower case without prefix, whatever the engine wrote (C30): `STATE_RUNNING` is `running`. */
export function normalizeTableStatus(status: string): string {
  return status
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')
    .replace(/^(state|status|task)_/, '');
}

/** An RFC 3339 time in ISO 8601, or null for anything else: a text that is no time says nothing. */
function timeOf(text: string | undefined): string | null {
  if (text === undefined || !RFC_3339.test(text)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

function observedState(response: ProgressResponse): ObservedState {
  const observed = OBSERVED_BY_NUMBER.get(response.state);
  if (observed === undefined) return { state: 'running', phase: `unknown(${response.state})` };
  // Older engines say FAILED while they go on retrying; a table then says so (C22, engine contract 7.4).
  const retries = observed.state === 'failed' && failedTables(response.tables, 'failed_retryable').length > 0;
  return retries ? OBSERVED_STATE.STATE_FAILED_RETRYABLE : observed;
}

function failedTables(tables: readonly TableProgress[], status: string): readonly TableProgress[] {
  return tables.filter((table) => normalizeTableStatus(table.status) === status);
}

/** The best text there is: the apply's, else those of its tables, else the summary, else which tables failed. */
function messageOf(response: ProgressResponse, state: ObservedState['state']): string {
  if (response.errorMessage !== '') return response.errorMessage;
  if (state !== 'failed' && state !== 'failed_retryable') return '';
  const failed = [...failedTables(response.tables, 'failed'), ...failedTables(response.tables, 'failed_retryable')];
  const withText = failed.filter((table) => table.errorMessage !== '');
  if (withText.length > 0) return withText.map((table) => `${tableName(table)}: ${table.errorMessage}`).join('; ');
  if (response.summary !== '') return response.summary;
  return failed.length === 0 ? '' : `the engine gave no reason; failed: ${failed.map(tableName).join(', ')}`;
}

/** One line per table that has something to say; what is ready and only waits comes last, because lines are cut. */
function detailOf(response: ProgressResponse): string {
  const tables = response.tables.toSorted((one, other) => Number(isParked(one)) - Number(isParked(other)));
  const lines = tables.flatMap((table) => [
    ...(table.progressDetail === '' ? [] : [`${tableName(table)}: ${table.progressDetail}`]),
    ...(table.throttled
      ? [`${tableName(table)}: throttled${table.throttleReason && `, ${table.throttleReason}`}`]
      : []),
  ]);
  return lines.length > 0 ? lines.join('; ') : response.summary;
}

function isParked({ status }: TableProgress): boolean {
  return normalizeTableStatus(status) === 'waiting_for_cutover';
}

function progressOf(tables: readonly TableProgress[], state: ObservedState['state']): Progress | null {
  if (tables.length === 0) return null;
  const copied = sumOf(tables.map((table) => table.rowsCopied));
  const total = sumOf(tables.map((table) => table.rowsTotal));
  const eta = Math.max(...tables.map((table) => Number(table.etaSeconds)));
  return {
    percent: state === 'completed' ? 100 : percentOf(tables, { copied, total }),
    rowsCopied: total > 0n || copied > 0n ? copied.toString() : null,
    rowsTotal: total > 0n ? total.toString() : null,
    etaSeconds: eta > 0 ? eta : null,
  };
}

/**
 * By rows where every unfinished table counts them, else the mean of what the tables say. A finished table that counted
 * none, such as an instant change, weighs nothing beside one that does. Row counts lag and may exceed their total (engine
 * contract 7.9), so both are clamped. All zero is "the engine does not say".
 */
function percentOf(tables: readonly TableProgress[], rows: { copied: bigint; total: bigint }): number | null {
  const percents = tables.map((table) =>
    normalizeTableStatus(table.status) === 'completed' ? 100 : clampPercent(table.percentComplete),
  );
  const unfinished = tables.filter((table) => normalizeTableStatus(table.status) !== 'completed');
  if (rows.total > 0n && unfinished.every((table) => BigInt(table.rowsTotal) > 0n)) {
    const byRows = clampPercent(Number((rows.copied * 100n) / rows.total));
    return tables.length === 1 ? Math.max(byRows, percents[0] ?? 0) : byRows;
  }
  if (percents.every((percent) => percent === 0)) return null;
  return Math.floor(percents.reduce((sum, percent) => sum + percent, 0) / percents.length);
}

function clampPercent(percent: number): number {
  return Math.min(100, Math.max(0, percent));
}

function sumOf(counts: readonly string[]): bigint {
  return counts.reduce((sum, count) => sum + BigInt(count), 0n);
}

function tableName(table: TableProgress): string {
  return table.namespace === '' ? table.tableName : `${table.namespace}.${table.tableName}`;
}
