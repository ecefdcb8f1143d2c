import type { ChalkInstance } from 'chalk';
import { APPLY_STATE, OPERATION_STATE, hasEnded } from '../../domain/state.js';
import { type ApplyStatus, countStates } from '../../domain/status.js';
import type { OperationStatus } from '../../domain/operation-status.js';
import { fit, formatElapsed, formatProgress, formatTime } from './format.js';
import { renderTable } from './table.js';
import { renderWaves } from './render-waves.js';

export interface RenderOptions {
  readonly style: ChalkInstance;
  readonly now: Date;
  /** Columns there are; what does not fit is cut. */
  readonly columns: number;
  /** Most lines of deployments; the ones that move or failed come first. Null: all, and below them in full what was cut. */
  readonly rowsMax: number | null;
  /** How the person calls this program. */
  readonly program: string;
}

/** A status as a person reads it: a header, what is waited for, and a line per deployment. */
export function renderStatus(status: ApplyStatus, options: RenderOptions): string {
  return [
    renderHeader(status, options),
    ...renderWaves(status, options.style),
    ...renderWait(status, options),
    '',
    ...renderOperations(status, options),
  ].join('\n');
}

/** State, how many are done, elapsed time; then the message, if there is one. */
function renderHeader(status: ApplyStatus, { style, now, columns }: RenderOptions): string {
  const ended = status.operations.filter(({ state }) => hasEnded(state)).length;
  const state =
    status.interrupted === null
      ? APPLY_STATE[status.state].label
      : `interrupted (${status.interrupted.replaceAll('_', ' ')})`;
  const parts = [
    `${style.bold(status.apply)}  ${status.database}, ${status.environment}`,
    colourOf(status, style)(state),
    `${ended} of ${status.operations.length} ended`,
    formatElapsed(status.startedAt, status.completedAt, now),
    status.detail === 'coarse' ? style.yellow('no worker answers') : '',
  ].filter((part) => part !== '');
  const lines = [parts.join('   ')];
  if (status.message !== '') lines.push(`  ${fit(status.message, columns - 2)}`);
  return lines.join('\n');
}

function renderWait(status: ApplyStatus, { style, program, now }: RenderOptions): readonly string[] {
  const { waitingFor } = status;
  if (waitingFor === null || !isWorthTelling(waitingFor)) return [];
  const since = waitingFor.since === null ? '' : ` for ${formatElapsed(waitingFor.since, null, now)}`;
  const commands = waitingFor.commands.map((command) => `    ${program} ${command}`);
  return [
    `  ${style.yellow(`${describeWait(waitingFor)}${since}${describeUntil(waitingFor, now)}`)}${commands.length > 0 ? '; what you can do' : ''}`,
    ...commands,
  ];
}

/** `waits for gate before wave rest`. */
export function describeWait({ for: waitsFor, wave }: NonNullable<ApplyStatus['waitingFor']>): string {
  return `waits for ${waitsFor.replaceAll('_', ' ')}${wave === null ? '' : ` before wave ${wave}`}`;
}

/** When the wait ends by itself, if it does. */
function describeUntil({ until }: NonNullable<ApplyStatus['waitingFor']>, now: Date): string {
  return until === null ? '' : `, until ${formatTime(until)} (${formatElapsed(now.toISOString(), until, now)} more)`;
}

/** Between two steps of the workflow nothing moves for a moment; only a wait that began at some time is one for people. */
export function isWorthTelling(waitingFor: NonNullable<ApplyStatus['waitingFor']>): boolean {
  return waitingFor.for !== 'engine' || waitingFor.since !== null;
}

function renderOperations(status: ApplyStatus, options: RenderOptions): readonly string[] {
  const head = ['DEPLOYMENT', 'STATE', 'PROGRESS', 'ELAPSED', 'DETAIL'];
  const shown = chooseOperations(status.operations, options.rowsMax);
  const rows = shown.map((operation) => renderOperation(operation, options));
  const room = Math.max(DETAIL_MIN, options.columns - widthOf([head, ...rows.map(({ plain }) => plain)]));
  const table = renderTable(
    head,
    rows.map(({ coloured, detail }) => [...coloured, fit(detail, room)]),
  );
  if (options.rowsMax === null) return [table, ...renderCut(status.operations, room, options)];
  const hidden = status.operations.filter((operation) => !shown.includes(operation));
  if (hidden.length === 0) return [table];
  const counts = Object.entries(countStates(hidden)).map(([state, count]) => `${count} ${state.replaceAll('_', ' ')}`);
  return [table, `… and ${counts.join(', ')}`];
}

/** Spaces between two columns. */
const GAP = 2;

/** Narrower than this a detail says nothing. */
const DETAIL_MIN = 30;

/** Width of all columns but the last. */
function widthOf(rows: readonly (readonly string[])[]): number {
  const columns = (rows[0] ?? []).slice(0, -1);
  return columns
    .map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)) + GAP)
    .reduce((sum, width) => sum + width, 0);
}

/** In full, what did not fit into the table. */
function renderCut(operations: readonly OperationStatus[], room: number, options: RenderOptions): readonly string[] {
  return operations
    .map((operation) => ({ deployment: operation.deployment, detail: describeDetail(operation, options.now) }))
    .filter(({ detail }) => detail !== fit(detail, room))
    .flatMap(({ deployment, detail }) => ['', `${options.style.bold(deployment)}: ${detail}`]);
}

/** What moves, then what went wrong, then the rest, each in rollout order; shown in rollout order. */
function chooseOperations(operations: readonly OperationStatus[], rowsMax: number | null): readonly OperationStatus[] {
  if (rowsMax === null || operations.length <= rowsMax) return operations;
  const chosen = new Set(operations.toSorted((a, b) => placeOf(a) - placeOf(b)).slice(0, Math.max(1, rowsMax)));
  return operations.filter((operation) => chosen.has(operation));
}

function renderOperation(
  operation: OperationStatus,
  { style, now }: RenderOptions,
): { readonly plain: readonly string[]; readonly coloured: readonly string[]; readonly detail: string } {
  const state = describeState(operation);
  const progress =
    hasEnded(operation.state) && operation.state !== 'completed' ? '' : formatProgress(operation.progress);
  const elapsed = formatElapsed(operation.startedAt, operation.completedAt, now);
  const shown = operation.state === 'stopped' && operation.completedAt === null ? '' : elapsed;
  return {
    detail: describeDetail(operation, now),
    plain: [operation.deployment, state, progress, shown],
    coloured: [operation.deployment, colourOf(operation, style)(state), progress, shown],
  };
}

function placeOf({ state }: OperationStatus): number {
  if (state === 'pending' || state === 'completed') return 2;
  return hasEnded(state) ? 1 : 0;
}

/** State and, where it is finer, the engine's own phase. */
export function describeState(operation: OperationStatus): string {
  const { label } = OPERATION_STATE[operation.state];
  const phase = operation.phase === null ? '' : ` (${operation.phase})`;
  const unreachable = operation.unreachableSince === null ? '' : ', unreachable';
  // What was skipped before it started has `skip` as its reason; what had ended before keeps the state that it ended in.
  const mark = operation.reason ?? (operation.skipped ? 'skipped' : null);
  const reason = mark === null ? '' : ` (${mark.replaceAll('_', ' ')})`;
  return `${label}${phase}${unreachable}${reason}`;
}

/**
 * What went wrong, what its engine is doing or waits for, and for how long it has been parked; else nothing. Without a
 * `now` no time that runs on is told.
 */
export function describeDetail(operation: OperationStatus, now: Date | null): string {
  const { message, waitingOn, unreachableSince, parkedSince, parkedUntil, cutoverAsked, drift } = operation;
  if (unreachableSince !== null)
    return `no answer since ${formatTime(unreachableSince)}${message === '' ? '' : `: ${message}`}`;
  const isParked = parkedSince !== null && now !== null;
  return [
    message,
    isParked ? `parked for ${formatElapsed(parkedSince, null, now)}` : '',
    isParked && parkedUntil !== null ? `until ${formatTime(parkedUntil)}` : '',
    cutoverAsked ? 'cutover asked for, follows in its turn' : '',
    waitingOn,
    describeDrift(drift),
  ]
    .filter((part) => part !== '')
    .join('; ');
}

/** `not part of this change: DROP COLUMN hand on u`, or nothing. */
export function describeDrift(drift: OperationStatus['drift']): string {
  return drift.length === 0 ? '' : `not part of this change: ${drift.join('; ')}`;
}

function colourOf(
  { state }: { readonly state: ApplyStatus['state'] | OperationStatus['state'] },
  style: ChalkInstance,
): (text: string) => string {
  if (state === 'completed') return style.green;
  if (state === 'failed' || state === 'running_degraded') return style.red;
  if (state === 'pending') return style.dim;
  if (state === 'stopped' || state === 'cancelled' || state === 'reverted' || state === 'paused') return style.yellow;
  return style.cyan;
}
