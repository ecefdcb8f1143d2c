import type { ChalkInstance } from 'chalk';
import { APPLY_STATE, OPERATION_STATE, hasEnded } from '../../domain/state.js';
import type { ApplyStatus, OperationStatus } from '../../domain/status.js';
import { fit, formatElapsed, formatProgress, formatTime } from './format.js';
import { renderTable } from './table.js';

export interface RenderOptions {
  readonly style: ChalkInstance;
  readonly now: Date;
  /** Columns there are; what does not fit is cut. */
  readonly columns: number;
  /** Says in full below the table what had to be cut. Not for output that is drawn again and again. */
  readonly full: boolean;
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
    ...(options.full ? renderMessages(status, options) : []),
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
function isWorthTelling(waitingFor: NonNullable<ApplyStatus['waitingFor']>): boolean {
  return waitingFor.for !== 'engine' || waitingFor.since !== null;
}

function renderOperations(status: ApplyStatus, options: RenderOptions): string {
  const head = ['DEPLOYMENT', 'STATE', 'PROGRESS', 'ELAPSED', 'DETAIL'];
  const rows = status.operations.map((operation) => renderOperation(operation, options));
  const texts = [head, ...rows.map(({ plain }) => plain)];
  const taken = head
    .slice(0, -1)
    .map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)) + GAP)
    .reduce((sum, width) => sum + width, 0);
  const room = Math.max(DETAIL_MIN, options.columns - taken);
  return renderTable(
    head,
    rows.map(({ plain, coloured }) => [...coloured, fit(plain[4] ?? '', room)]),
  );
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

/** Percent steps after which a plain log gets another line: a line per look would bury everything else. */
const PERCENT_STEP = 20;

/** What changed from one status to the next, a line each: for output that cannot move the cursor. */
export function renderChanges(previous: ApplyStatus | null, next: ApplyStatus): readonly string[] {
  const before = new Map((previous?.operations ?? []).map((operation) => [operation.deployment, mark(operation)]));
  const lines = next.operations
    .filter((operation) => mark(operation) !== (before.get(operation.deployment) ?? PENDING))
    .map((operation) =>
      [operation.deployment, describeState(operation), formatPercent(operation), describeDetail(operation)]
        .filter((part) => part !== '')
        .join('  '),
    );
  const changed = previous === null || previous.state !== next.state || previous.detail !== next.detail;
  const wait = next.waitingFor !== null && isWorthTelling(next.waitingFor) ? next.waitingFor.for : null;
  const newWait = wait !== null && wait !== (previous?.waitingFor?.for ?? null);
  return [
    ...(changed
      ? [`${next.apply}  ${APPLY_STATE[next.state].label}${next.detail === 'coarse' ? ' (no worker answers)' : ''}`]
      : []),
    ...lines,
    ...(newWait
      ? [`${next.apply}  waits for ${wait.replaceAll('_', ' ')}: ${next.waitingFor?.commands.join(' | ') ?? ''}`]
      : []),
  ];
}

/** What makes a line of its own when it changes. */
function mark(operation: OperationStatus): string {
  const step = Math.floor((operation.progress?.percent ?? 0) / PERCENT_STEP);
  const { state, phase, reason, message, unreachableSince } = operation;
  return JSON.stringify([state, phase, reason, message, unreachableSince !== null, hasEnded(state) ? null : step]);
}

const PENDING = JSON.stringify(['pending', null, null, '', false, 0]);

function formatPercent({ progress, state }: OperationStatus): string {
  return hasEnded(state) || progress?.percent == null ? '' : `${Math.floor(progress.percent)}%`;
}
