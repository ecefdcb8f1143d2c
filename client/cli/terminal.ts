import type { Readable, Writable } from 'node:stream';
import { Chalk, type ChalkInstance } from 'chalk';

/** Where a command reads and writes, and what is known of the person in front of it. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** A person is at both ends: output may move the cursor, and questions can be asked. */
  readonly interactive: boolean;
  /** Columns and rows of the output, asked anew each time because a window is resized; 100 by 40 where nobody says. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  readonly style: ChalkInstance;
  /** How the person calls this program, for the commands we print. */
  readonly program: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
}

const SIZE_WITHOUT_TERMINAL = { columns: 100, rows: 40 } as const;

/** The terminal of this process. Honours `NO_COLOR` and `TERM=dumb`. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  const interactive = stdout.isTTY && stdin.isTTY && env['TERM'] !== 'dumb';
  const plain = !interactive || (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '');
  return {
    stdin,
    stdout,
    stderr,
    interactive,
    size: () => (stdout.isTTY ? { columns: stdout.columns, rows: stdout.rows } : SIZE_WITHOUT_TERMINAL),
    style: plain ? new Chalk({ level: 0 }) : new Chalk({ level: 1 }),
    program: env['npm_lifecycle_event'] === 'skein' ? 'npm run -s skein --' : 'skein',
    environment: env,
    now: () => new Date(),
  };
}
