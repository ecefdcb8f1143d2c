import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand } from './run-command.js';

/**
 * A child process that never outlives us. Its life is tied to ours by a pipe of its own (descriptor 3): however we end,
 * also by kill -9, the operating system closes the pipe and the child is told to stop. It has its own process group, so
 * Ctrl-C in a terminal reaches only us and the order in which things stop stays ours. What it prints goes to a file,
 * because a pipe would end it with SIGPIPE, and would stall it when nobody reads.
 */
export interface ProcessOptions {
  /** What it is, in messages: `engine eu`. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** The whole environment. Default: ours. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Default: ours. */
  readonly folder?: string;
  /** Standard output and error are appended here; the folder is made if need be. */
  readonly logFile: string;
  /** Run as this user; only root may say so. Default: ours. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** What asks it to end. Default SIGTERM; PostgreSQL wants SIGINT, which does not wait for clients. */
  readonly stopSignal?: NodeJS.Signals;
  /** How long it may take to end after that before it is killed, in milliseconds. Default 10,000. */
  readonly stopTimeoutMs?: number;
}

/** How it ended: exactly one of the two is not null. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly name: string;
  /** The process id of the program itself, not of a wrapper: a signal sent to it reaches the program. */
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when it has ended, for whatever reason. Never rejects, and does not keep our own process alive. */
  readonly exited: Promise<ProcessExit>;
  /** null while it runs. */
  exit(): ProcessExit | null;
  /** What this run of it has printed so far, both streams. */
  log(): string;
  /** Sends a signal; nothing when it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Asks it to end, kills it when it does not in time, resolves when it has ended. Safe to call twice. */
  stop(): Promise<ProcessExit>;
}

const STOP_TIMEOUT_MS = 10_000;
const PROBE_INTERVAL_MS = 25;
const LOG_TAIL_LINES = 15;

/**
 * `$1` is the signal, the rest the command. The watcher holds the pipe and is no child of the program (it is started by
 * a subshell that ends), because PostgreSQL logs every child it did not start. A line on the pipe means that we saw the
 * program end; end of file means that we are gone. `exec` keeps the process id, so `$$` is the program.
 */
const TETHER = `
signal=$1
shift
(
  (
    if ! IFS= read -r line <&3; then
      kill -s "$signal" $$ 2>/dev/null
      for second in 1 2 3 4 5; do
        sleep 1
        kill -0 $$ 2>/dev/null || exit 0
      done
      kill -s KILL $$ 2>/dev/null
    fi
  ) &
) >/dev/null 2>&1
exec 3<&-
exec "$@"
`;

/** The same for Windows, which has no /bin/sh: a small Node process in between. Ending it there is abrupt. */
const TETHER_FOR_WINDOWS = `
const { spawn } = require('node:child_process');
const { Socket } = require('node:net');
const [, command, ...rest] = process.argv.slice(1);
const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit'], windowsHide: true });
const tie = new Socket({ fd: 3 });
child.on('error', (error) => { console.error(error.message); process.exit(127); });
child.on('exit', (code) => process.exit(code ?? 1));
tie.resume();
tie.on('end', () => child.kill());
tie.on('error', () => child.kill());
`;

/** Starts it; resolves when the operating system has, rejects when there is no such program. Says nothing on readiness. */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const logStart = statSync(options.logFile).size;
  let child: ChildProcess;
  try {
    child = spawnTethered(options, log);
  } finally {
    closeSync(log);
  }
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: 127, signal: null }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new Error(`${options.name}: ${options.command} could not be started: ${cause.message}`, { cause })),
    );
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${options.name}: started without a process id`);
  // A forgotten process must not keep ours alive: when we end, the pipe ends it.
  child.unref();
  return new TetheredProcess(options, child, pid, exited, logStart);
}

function spawnTethered(options: ProcessOptions, log: number): ChildProcess {
  const signal = (options.stopSignal ?? 'SIGTERM').replace(/^SIG/, '');
  const isWindows = process.platform === 'win32';
  const [command, prefix] = isWindows
    ? [process.execPath, ['-e', TETHER_FOR_WINDOWS, '--']]
    : ['/bin/sh', ['-c', TETHER, 'sh']];
  return spawn(command, [...prefix, signal, options.command, ...options.arguments], {
    stdio: ['ignore', log, log, 'pipe'],
    detached: !isWindows,
    windowsHide: true,
    ...(options.environment === undefined ? {} : { env: { ...options.environment } }),
    ...(options.folder === undefined ? {} : { cwd: options.folder }),
    ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
  });
}

/** Our end of the pipe. Not standard input: Node closes that by itself when a child ends, and then no line can be sent. */
interface TieEnd {
  end(text?: string): void;
}

function tieOf(child: ChildProcess): TieEnd | null {
  const tie = child.stdio[3];
  if (!(tie instanceof Socket)) return null;
  tie.unref();
  tie.on('error', () => {
    // The reading end is gone; `exited` tells the rest.
  });
  return { end: (text) => (text === undefined ? tie.end() : tie.end(text)) };
}

class TetheredProcess implements RunningProcess {
  readonly name: string;
  readonly logFile: string;
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  readonly #stopSignal: NodeJS.Signals;
  readonly #stopTimeoutMs: number;
  readonly #logStart: number;
  readonly #tie: TieEnd | null;
  #exit: ProcessExit | null = null;

  constructor(
    options: ProcessOptions,
    child: ChildProcess,
    pid: number,
    exited: Promise<ProcessExit>,
    logStart: number,
  ) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.pid = pid;
    this.exited = exited;
    this.#stopSignal = options.stopSignal ?? 'SIGTERM';
    this.#stopTimeoutMs = options.stopTimeoutMs ?? STOP_TIMEOUT_MS;
    this.#logStart = logStart;
    this.#tie = tieOf(child);
    void this.#noteExit();
  }

  async #noteExit(): Promise<void> {
    this.#exit = await this.exited;
    this.#tie?.end('ended\n');
  }

  exit(): ProcessExit | null {
    return this.#exit;
  }

  log(): string {
    try {
      return readFileSync(this.logFile).subarray(this.#logStart).toString('utf8');
    } catch {
      return '';
    }
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#exit !== null) return;
    try {
      process.kill(this.pid, signal);
    } catch (error) {
      if (!isNoSuchProcess(error)) throw error;
    }
  }

  async stop(): Promise<ProcessExit> {
    // Windows has no signals: there the end of the pipe tells the process in between to end the program.
    if (process.platform === 'win32') this.#tie?.end();
    else this.kill(this.#stopSignal);
    const timer = setTimeout(() => this.kill('SIGKILL'), this.#stopTimeoutMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * Asks `probe` until it answers with something other than null, and resolves to that. Rejects with the end of the log
 * when the process ended first, or when `deadlineMs` milliseconds have passed. A probe that throws has not answered.
 */
export async function untilReady<T>(
  running: RunningProcess,
  probe: () => Promise<T | null> | T | null,
  options: { readonly deadlineMs: number; readonly waitingFor: string },
): Promise<T> {
  const deadline = Date.now() + options.deadlineMs;
  let lastError: unknown = null;
  for (;;) {
    try {
      const answer = running.exit() === null ? await probe() : null;
      if (answer !== null) return answer;
    } catch (error) {
      lastError = error;
    }
    const exit = running.exit();
    if (exit !== null) {
      const how = exit.signal ?? `exit code ${exit.code}`;
      throw new Error(`${running.name} ended with ${how} before ${options.waitingFor}. ${logTail(running)}`);
    }
    if (Date.now() > deadline) {
      const why = lastError instanceof Error ? ` Last answer: ${lastError.message}.` : '';
      const message = `${running.name}: still waiting for ${options.waitingFor} after ${options.deadlineMs / 1000} s.`;
      throw new Error(`${message}${why} ${logTail(running)}`, { cause: lastError });
    }
    await delay(PROBE_INTERVAL_MS);
  }
}

/**
 * Waits for a program that ends by itself, such as initdb; kills it when it has not within `deadlineMs` milliseconds.
 * Unlike awaiting `exited`, this keeps our own process alive meanwhile.
 */
export async function untilEnded(running: RunningProcess, deadlineMs: number): Promise<ProcessExit> {
  const timer = setTimeout(() => running.kill('SIGKILL'), deadlineMs);
  try {
    return await running.exited;
  } finally {
    clearTimeout(timer);
  }
}

/** The last lines of its log, for a message. */
export function logTail(running: RunningProcess): string {
  const lines = running.log().trimEnd().split('\n').slice(-LOG_TAIL_LINES);
  return lines.join('').trim() === ''
    ? `It printed nothing (log: ${running.logFile}).`
    : `The end of ${running.logFile}:\n${lines.join('\n')}`;
}

/** The command line of a running process, or null when there is none or it cannot be told. */
export async function commandLineOf(pid: number): Promise<string | null> {
  if (!isAlive(pid)) return null;
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch {
    // Not Linux.
  }
  try {
    const { code, output } = await runCommand('ps', ['-o', 'command=', '-p', String(pid)], { deadlineMs: 5_000 });
    return code === 0 ? output.trim() : null;
  } catch {
    return null;
  }
}

/** Whether a process of this id runs, whoever it belongs to. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isNoSuchProcess(error);
  }
}

function isNoSuchProcess(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH';
}
