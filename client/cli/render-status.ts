import type { ChalkInstance } from 'chalk';
import { APPLY_STATE, OPERATION_STATE, hasEnded } from '../../domain/state.js';
import { type ApplyStatus, type OperationStatus, countStates } from '../../domain/status.js';
import { fit, formatElapsed, formatProgress, formatTime } from './format.js';
import { renderTable } from './table.js';

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
    ...renderWait(status, options),
    '',
    renderOperations(status, options),
    ...(options.rowsMax === null ? renderMessages(status, options) : []),
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
    `  ${style.yellow(`waits for ${waitingFor.for.replaceAll('_', ' ')}${since}`)}${commands.length > 0 ? '; end it with' : ''}`,
    ...commands,
  ];
}

/** Between two steps of the workflow nothing moves for a moment; only a wait that began at some time is one for people. */
export function isWorthTelling(waitingFor: NonNullable<ApplyStatus['waitingFor']>): boolean {
  return waitingFor.for !== 'engine' || waitingFor.since !== null;
}

function renderOperations(status: ApplyStatus, options: RenderOptions): string {
  const head = ['DEPLOYMENT', 'STATE', 'PROGRESS', 'ELAPSED', 'DETAIL'];
  const shown = chooseOperations(status.operations, options.rowsMax);
  const rows = shown.map((operation) => renderOperation(operation, options));
  const texts = [head, ...rows.map(({ plain }) => plain)];
  const taken = head
    .slice(0, -1)
    .map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)) + GAP)
    .reduce((sum, width) => sum + width, 0);
  const room = Math.max(DETAIL_MIN, options.columns - taken);
  const table = renderTable(
    head,
    rows.map(({ plain, coloured }) => [...coloured, fit(plain[4] ?? '', room)]),
  );
  const hidden = status.operations.filter((operation) => !shown.includes(operation));
  if (hidden.length === 0) return table;
  const counts = Object.entries(countStates(hidden)).map(([state, count]) => `${count} ${state.replaceAll('_', ' ')}`);
  return `${table}\n… and ${counts.join(', ')}`;
}

/** What moves, then what went wrong, then the rest, each in rollout order; shown in rollout order. */
function chooseOperations(operations: readonly OperationStatus[], rowsMax: number | null): readonly OperationStatus[] {
  if (rowsMax === null || operations.length <= rowsMax) return operations;
  const chosen = new Set(operations.toSorted((a, b) => placeOf(a) - placeOf(b)).slice(0, Math.max(1, rowsMax)));
  return operations.filter((operation) => chosen.has(operation));
}

/** Spaces between two columns. */
const GAP = 2;

/** Narrower than this a detail says nothing. */
const DETAIL_MIN = 30;

/** What went wrong, whole, for every deployment that has something to say. */
function renderMessages(status: ApplyStatus, { style }: RenderOptions): readonly string[] {
  return status.operations
    .filter(({ message }) => message !== '')
    .flatMap(({ deployment, message }) => ['', `${style.bold(deployment)}: ${message}`]);
}

function renderOperation(
  operation: OperationStatus,
  { style, now }: RenderOptions,
): { readonly plain: readonly string[]; readonly coloured: readonly string[] } {
  const state = describeState(operation);
  const progress =
    hasEnded(operation.state) && operation.state !== 'completed' ? '' : formatProgress(operation.progress);
  const elapsed = formatElapsed(operation.startedAt, operation.completedAt, now);
  const shown = operation.state === 'stopped' && operation.completedAt === null ? '' : elapsed;
  return {
    plain: [operation.deployment, state, progress, shown, describeDetail(operation)],
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
  const reason = operation.reason === null ? '' : ` (${operation.reason.replaceAll('_', ' ')})`;
  return `${label}${phase}${unreachable}${reason}`;
}

/** What went wrong, else what its engine is doing or waits for, else nothing. */
export function describeDetail(operation: OperationStatus): string {
  if (operation.unreachableSince !== null)
    return `no answer since ${formatTime(operation.unreachableSince)}${operation.message === '' ? '' : `: ${operation.message}`}`;
  const { message, waitingOn } = operation;
  return [message, waitingOn].filter((part) => part !== '').join('; ');
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
