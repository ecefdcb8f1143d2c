import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isNoSuchProcess } from './process-table.js';
import { spawnTethered, type TieEnd, tieOf } from './tether.js';

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
