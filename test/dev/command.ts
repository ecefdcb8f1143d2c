import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { repositoryRoot } from '../../dev/folders.js';
import { until } from '../support/until.js';
import { processesMarked } from './marked-processes.js';

/** A command of the compiled product, run as a person would, with a mark by which all it starts can be found. */
export interface RunningCommand {
  readonly child: ChildProcess;
  /** Standard output and error so far. */
  output(): string;
  /** Waits until the output matches; rejects with the output when the command ends before. */
  printed(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray>;
  /** Its exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals | null>;
  /** What still runs of all that it started. Empty also where the system does not tell. */
  leftovers(): readonly string[];
}

/** `program` is relative to `dist`. Ended with -9 after the test when it still runs. */
export function runCommand(program: string, ...args: readonly string[]): RunningCommand {
  const mark = randomUUID();
  const child = spawn(process.execPath, [join(repositoryRoot(), 'dist', program), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SKEIN_TEST_MARK: mark, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  // PostgreSQL gets a clean environment, but its folder names who made it.
  const marks = [`SKEIN_TEST_MARK=${mark}`, `temporary-${child.pid}-`];
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk.toString('utf8');
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return {
    child,
    output: () => output,
    ended: () => ended,
    leftovers: () => processesMarked(marks) ?? [],
    printed: async (pattern, deadlineMs = 60_000) => {
      await until(() => pattern.test(output) || child.exitCode !== null, deadlineMs).catch((cause: unknown) => {
        throw new Error(`${program} did not print ${pattern} in time, only:\n${output}`, { cause });
      });
      const match = pattern.exec(output);
      if (match !== null) return match;
      throw new Error(`${program} ended with ${child.exitCode} and never printed ${pattern}:\n${output}`);
    },
  };
}
