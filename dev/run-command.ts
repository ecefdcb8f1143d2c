import { spawn } from 'node:child_process';

/** What a program printed and how it ended. */
export interface CommandResult {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Standard output and error together, in the order they arrived. */
  readonly output: string;
}

export interface CommandOptions {
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Killed after this many milliseconds. */
  readonly deadlineMs: number;
}

const OUTPUT_CHARACTERS_MAX = 200_000;

/** Runs a program to its end without a shell. Rejects only when there is no such program or it took too long. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      ...(options.folder === undefined ? {} : { cwd: options.folder }),
      ...(options.environment === undefined ? {} : { env: { ...options.environment } }),
    });
    let output = '';
    let isLate = false;
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, options.deadlineMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (isLate) reject(new Error(`${command} was ended after ${options.deadlineMs / 1000} s`));
      else resolve({ code, signal, output });
    });
  });
}

/** `exit code 3` or `SIGTERM`. */
export function howItEnded({ code, signal }: Pick<CommandResult, 'code' | 'signal'>): string {
  return signal ?? `exit code ${code}`;
}

/** The last lines that say something, on one line, for a message. */
export function lastLines(output: string, count = 2): string {
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-count)
    .join(' / ');
}
