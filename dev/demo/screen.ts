import chalk from 'chalk';
import Table from 'cli-table3';
import logUpdate from 'log-update';
import type { ApplyStatus, OperationStatus } from '../../client/index.js';

/** What the demo prints. On a terminal the progress is redrawn in place; elsewhere a line is printed when something changed. */

const BAR_CELLS = 20;
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
    const lines = status.operations.map((each) => `${each.deployment}=${each.state}${phaseOf(each)}`).join('  ');
    const line = `  ${status.state.padEnd(10)} ${lines}`;
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
    const waiting = status.waitingFor === null ? '' : chalk.yellow(`  waits for ${status.waitingFor.for}`);
    const header = `  ${chalk.bold(status.apply)}  ${stateText(status.state)}${waiting}`;
    logUpdate([header, ...status.operations.map(operationLine)].join('\n'));
  }
}

function operationLine(operation: OperationStatus): string {
  const percent = operation.state === 'completed' ? 100 : (operation.progress?.percent ?? null);
  const bar = percent === null ? ' '.repeat(BAR_CELLS + 5) : `${progressBar(percent)} ${String(percent).padStart(3)}%`;
  const room = Math.max(0, (process.stdout.columns ?? COLUMNS) - LINE_COLUMNS - phaseOf(operation).length);
  const waitingOn = operation.waitingOn === '' ? '' : chalk.dim(`  ${operation.waitingOn.slice(0, room)}`);
  return `    ${operation.deployment.padEnd(6)} ${stateText(operation.state)} ${bar} ${elapsed(operation).padStart(6)}${chalk.dim(phaseOf(operation))}${waitingOn}`;
}

function progressBar(percent: number): string {
  const filled = Math.round((percent / 100) * BAR_CELLS);
  return chalk.green('█'.repeat(filled)) + chalk.dim('░'.repeat(BAR_CELLS - filled));
}

function phaseOf(operation: OperationStatus): string {
  return operation.phase === null ? '' : ` (${operation.phase})`;
}

function stateText(state: string): string {
  const padded = state.replaceAll('_', ' ').padEnd(12);
  if (state === 'completed') return chalk.green(padded);
  if (state === 'failed') return chalk.red(padded);
  return state === 'stopped' || state === 'stopping' ? chalk.yellow(padded) : chalk.cyan(padded);
}

/** From start to end or to now; empty for one that never started. */
export function elapsed(operation: Pick<OperationStatus, 'startedAt' | 'completedAt'>): string {
  if (operation.startedAt === null) return '';
  const end = operation.completedAt === null ? Date.now() : Date.parse(operation.completedAt);
  return `${((end - Date.parse(operation.startedAt)) / 1000).toFixed(1)} s`;
}
