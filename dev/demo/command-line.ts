import { join } from 'node:path';
import { repositoryRoot } from '../folders.js';
import { startProcess, untilEnded } from '../process.js';
import type { Stack } from '../stack.js';
import { indent } from './scene.js';
import { command, say } from './screen.js';

const DEADLINE_MS = 60_000;

/** What a command line of the product printed, both streams, and its exit code. */
export interface CommandAnswer {
  readonly output: string;
  readonly exitCode: number | null;
}

/** The product's command line, as a person uses it: each line is shown, run in `folder`, and its answer printed. */
export class CommandLine {
  readonly #stack: Stack;
  readonly #folder: string;

  constructor(stack: Stack, folder: string) {
    this.#stack = stack;
    this.#folder = folder;
  }

  /**
   * Runs `skein <line>`; words are parted by single spaces. A refusal is no error here: its exit code tells. With
   * `linesMax` only so many of its last lines are printed, where the first ones were on the screen a moment ago.
   */
  async run(line: string, { linesMax = Infinity }: { readonly linesMax?: number } = {}): Promise<CommandAnswer> {
    command(`skein ${line}`);
    // Tied to our life like the stack, so that an interrupt in the middle of a command leaves nothing behind either.
    const running = await startProcess({
      name: `skein ${line}`,
      command: process.execPath,
      arguments: [join(repositoryRoot(), 'dist', 'client', 'cli', 'main.js'), ...line.split(' ')],
      environment: { ...this.#stack.environment, SKEIN_UI_ADDRESS: this.#stack.temporal.uiAddress ?? '' },
      folder: this.#folder,
      logFile: join(this.#stack.folder, 'skein.log'),
    });
    const { code: exitCode } = await untilEnded(running, DEADLINE_MS);
    const output = running.log().trimEnd();
    const lines = output.split('\n');
    const shown = lines.length > linesMax ? ['…', ...lines.slice(-linesMax)] : lines;
    say(indent(shown.join('\n'), 2));
    return { output, exitCode };
  }
}
