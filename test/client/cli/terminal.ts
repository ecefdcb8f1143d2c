import { Readable, Writable } from 'node:stream';
import { Chalk } from 'chalk';
import type { Terminal } from '../../../client/cli/terminal.js';

export interface RecordedTerminal extends Terminal {
  /** Everything written to standard output so far. */
  readonly out: () => string;
  readonly errors: () => string;
}

/** No terminal at all, as in a script: what is written is kept, and nobody can be asked. */
export function recordedTerminal(environment: Terminal['environment'] = {}): RecordedTerminal {
  const out: string[] = [];
  const errors: string[] = [];
  return {
    stdin: Readable.from([]),
    stdout: keepIn(out),
    stderr: keepIn(errors),
    interactive: false,
    size: () => ({ columns: 100, rows: 40 }),
    style: new Chalk({ level: 0 }),
    program: 'skein',
    environment,
    now: () => new Date('2026-01-01T12:01:05.000Z'),
    out: () => out.join(''),
    errors: () => errors.join(''),
  };
}

function keepIn(chunks: string[]): Writable {
  return new Writable({
    write: (chunk, _encoding, done) => {
      chunks.push(String(chunk));
      done();
    },
  });
}
