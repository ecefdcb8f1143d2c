import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/engine/main.js', import.meta.url));

export interface EngineProcess {
  readonly address: string;
  readonly process: ChildProcess;
  /** Everything it has written to stderr so far. */
  log(): string;
  /** SIGKILL, and resolves once the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and resolves with the exit code. */
  terminate(): Promise<number | null>;
}

/** Starts the compiled engine as a process of its own and waits until it listens. */
export async function startEngineProcess(targets: Readonly<Record<string, string>>): Promise<EngineProcess> {
  const run = runEngineProcess(Object.entries(targets).flatMap(([name, dsn]) => ['--target', `${name}=${dsn}`]));
  const address = await new Promise<string>((resolve, reject) => {
    run.lines.on('line', (line) => {
      if (!line.startsWith('{')) return;
      const parsed: unknown = JSON.parse(line);
      if (
        typeof parsed === 'object' &&
        parsed !== null &&
        'msg' in parsed &&
        parsed.msg === 'listening' &&
        'address' in parsed
      ) {
        resolve(String(parsed.address));
      }
    });
    run.process.once('exit', (code) => reject(new Error(`the engine ended with ${code}: ${run.log()}`)));
  });
  const ended = new Promise<number | null>((resolve) => run.process.once('exit', resolve));
  return {
    address,
    process: run.process,
    log: run.log,
    kill: async () => {
      run.process.kill('SIGKILL');
      await ended;
    },
    terminate: async () => {
      run.process.kill('SIGTERM');
      return ended;
    },
  };
}

/** Runs the engine with these arguments on a free port. */
export function runEngineProcess(args: readonly string[]) {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run npm run build first`);
  const process = spawn(globalThis.process.execPath, [MAIN, '--listen', '127.0.0.1:0', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // A test that fails half-way must not leave its engine behind.
  const end = () => process.kill('SIGKILL');
  globalThis.process.once('exit', end);
  process.once('exit', () => globalThis.process.off('exit', end));
  let text = '';
  const lines = createInterface({ input: process.stderr });
  lines.on('line', (line) => {
    text += `${line}\n`;
  });
  return { process, lines, log: () => text };
}
