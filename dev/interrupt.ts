const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const EXIT_OF_INTERRUPT = 130;

/**
 * Runs `onInterrupt` at the first Ctrl-C (or SIGTERM, or when the terminal closes) and ends this process when it is done.
 * A second Ctrl-C ends it at once; what was started ends with us in any case, because its life is tied to ours.
 * Gives a function that takes this back.
 */
export function handleInterrupt(onInterrupt: () => Promise<unknown>): () => void {
  let asked = false;
  const listener = () => {
    if (asked) process.exit(EXIT_OF_INTERRUPT);
    asked = true;
    const end = () => process.exit(EXIT_OF_INTERRUPT);
    onInterrupt().then(end, end);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}

/** Resolves at the first Ctrl-C, SIGTERM or hang-up, and leaves the ending to the caller. */
export async function interrupted(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of SIGNALS) process.once(signal, () => resolve());
  });
}
