import { once } from 'node:events';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Exit code of a program that Ctrl-C has ended, as shells have it. */
export const EXIT_OF_INTERRUPT = 130;

/**
 * Runs `onInterrupt` at the first Ctrl-C (or SIGTERM, or when the terminal closes). A second one ends this process at
 * once; what was started ends with us in any case, because its life is tied to ours. Gives a function that takes this
 * back.
 */
export function handleInterrupt(onInterrupt: () => void): () => void {
  let asked = false;
  const listener = () => {
    if (asked) process.exit(EXIT_OF_INTERRUPT);
    asked = true;
    onInterrupt();
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}

/** Resolves when the signal aborts. Keeps this process alive until then, which the processes it started do not. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const alive = setInterval(() => undefined, 60_000);
  try {
    await once(signal, 'abort');
  } finally {
    clearInterval(alive);
  }
}
