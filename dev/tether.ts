import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { ProcessOptions } from './process.js';

/** How a program's life is tied to ours, by a pipe that the operating system closes however we end. */

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

/** Starts the program tied to us; both its outputs go to the open file `log`. */
export function spawnTethered(options: ProcessOptions, log: number): ChildProcess {
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
export interface TieEnd {
  end(text?: string): void;
}

export function tieOf(child: ChildProcess): TieEnd | null {
  const tie = child.stdio[3];
  if (!(tie instanceof Socket)) return null;
  tie.unref();
  tie.on('error', () => {
    // The reading end is gone; `exited` tells the rest.
  });
  return { end: (text) => (text === undefined ? tie.end() : tie.end(text)) };
}
