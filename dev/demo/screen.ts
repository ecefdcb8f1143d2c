import chalk from 'chalk';
import Table from 'cli-table3';
import logUpdate from 'log-update';
import { isWorthTelling } from '../../client/cli/render-status.js';
import type { ApplyStatus, OperationStatus } from '../../client/index.js';
import { APPLY_STATE, OPERATION_STATE } from '../../domain/state.js';

/** What the demo prints. On a terminal the progress is redrawn in place; elsewhere a line is printed when something changed. */

const BAR_CELLS = 20;
/** Most labels of a state fit. */
const STATE_COLUMNS = 12;
/** What a line of the progress takes before its last column, which is cut to what is left of the window. */
const LINE_COLUMNS = 62;
const COLUMNS = 100;

export function title(text: string): void {
  process.stdout.write(`\n${chalk.bold(text)}\n${chalk.dim('─'.repeat(Math.min(text.length, 100)))}\n`);
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What is being prepared, in passing. */
export function note(text: string): void {
  process.stdout.write(`${chalk.dim(`  ${text}`)}\n`);
}

/** The command a person would type for what happens next. */
export function command(text: string): void {
  process.stdout.write(`\n${chalk.cyan(`$ ${text}`)}\n`);
}

/** A claim with its proof: printed as kept or broken. Returns whether it was kept. */
export function claim(isKept: boolean, text: string): boolean {
  process.stdout.write(`${isKept ? chalk.green('  ✓') : chalk.red('  ✗ NOT SO:')} ${text}\n`);
  return isKept;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const style = { head: [], border: [], compact: true };
  const drawn = new Table({ head: head.map((cell) => chalk.bold(cell)), style });
  drawn.push(...rows.map((row) => [...row]));
  process.stdout.write(`${drawn.toString()}\n`);
}

/** The state of every operation, redrawn or, without a terminal, printed when a state or phase changed. */
export class ProgressDisplay {
  readonly #isTerminal = process.stdout.isTTY;
  #printed = '';
  #latest: ApplyStatus | null = null;
  #timer: NodeJS.Timeout | null = null;

  show(status: ApplyStatus): void {
    this.#latest = status;
    if (this.#isTerminal) {
      // The elapsed time goes on between two looks.
      this.#timer ??= setInterval(() => this.#draw(), 200);
      this.#draw();
      return;
    }
    const lines = status.operations.map((each) => `${each.deployment}=${labelOf(each)}${phaseOf(each)}`).join('  ');
    const line = `  ${APPLY_STATE[status.state].label.padEnd(STATE_COLUMNS)} ${lines}${waitOf(status)}`;
    if (line !== this.#printed) process.stdout.write(`${line}\n`);
    this.#printed = line;
  }

  /** Leaves what was drawn last on the screen. */
  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    if (!this.#isTerminal) return;
    this.#draw();
    logUpdate.done();
  }

  #draw(): void {
    const status = this.#latest;
    if (status === null) return;
    const header = `  ${chalk.bold(status.apply)}  ${coloured(status.state, APPLY_STATE[status.state].label)}${chalk.yellow(waitOf(status))}`;
    logUpdate([header, ...status.operations.map(operationLine)].join('\n'));
  }
}

function operationLine(operation: OperationStatus): string {
  const percent = operation.state === 'completed' ? 100 : (operation.progress?.percent ?? null);
  const bar = percent === null ? ' '.repeat(BAR_CELLS + 5) : `${progressBar(percent)} ${String(percent).padStart(3)}%`;
  const room = Math.max(0, (process.stdout.columns ?? COLUMNS) - LINE_COLUMNS - phaseOf(operation).length);
  const waitingOn = operation.waitingOn === '' ? '' : chalk.dim(`  ${operation.waitingOn.slice(0, room)}`);
  return `    ${operation.deployment.padEnd(6)} ${coloured(operation.state, labelOf(operation))} ${bar} ${elapsed(operation).padStart(6)}${chalk.dim(phaseOf(operation))}${waitingOn}`;
}

function progressBar(percent: number): string {
  const filled = Math.round((percent / 100) * BAR_CELLS);
  return chalk.green('█'.repeat(filled)) + chalk.dim('░'.repeat(BAR_CELLS - filled));
}

function phaseOf(operation: OperationStatus): string {
  return operation.phase === null ? '' : ` (${operation.phase})`;
}

function labelOf({ state }: OperationStatus): string {
  return OPERATION_STATE[state].label;
}

/** What the whole apply waits for, and until when; empty while something moves. */
function waitOf({ waitingFor, detail }: ApplyStatus): string {
  if (detail === 'coarse') return '  no worker answers';
  if (waitingFor === null || !isWorthTelling(waitingFor)) return '';
  const wave = waitingFor.wave === null ? '' : ` before wave ${waitingFor.wave}`;
  const until = waitingFor.until === null ? '' : ` until ${timeOfDay(new Date(waitingFor.until))}`;
  return `  waits for ${waitingFor.for.replaceAll('_', ' ')}${wave}${until}`;
}

function coloured(state: string, label: string): string {
  const padded = label.padEnd(STATE_COLUMNS);
  if (state === 'completed') return chalk.green(padded);
  if (state === 'failed') return chalk.red(padded);
  return state === 'stopped' || state === 'stopping' ? chalk.yellow(padded) : chalk.cyan(padded);
}

/** `06:40:07.123`, in UTC like every time that is shown. */
export function timeOfDay(time: Date): string {
  return time.toISOString().slice(11, 23);
}

/** From start to end or to now; empty for one that never started. */
export function elapsed(operation: Pick<OperationStatus, 'startedAt' | 'completedAt'>): string {
  if (operation.startedAt === null) return '';
  const end = operation.completedAt === null ? Date.now() : Date.parse(operation.completedAt);
  return `${((end - Date.parse(operation.startedAt)) / 1000).toFixed(1)} s`;
}
