import { createInterface } from 'node:readline/promises';
import type { Terminal } from './terminal.js';

/** Asks a yes-or-no question; everything but a clear yes is a no, also Ctrl-C and the end of input. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  const { stdin, stderr } = terminal;
  const prompt = createInterface({ input: stdin, output: stderr });
  const abort = new AbortController();
  prompt.once('SIGINT', () => abort.abort());
  prompt.once('close', () => abort.abort());
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal: abort.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (abort.signal.aborted) return false;
    throw error;
  } finally {
    prompt.close();
  }
}
