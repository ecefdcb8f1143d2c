/** Lets one side wait and any other end the wait early. A notice that comes while nobody waits is kept for the next wait. */
export class Wake {
  #noticed = false;
  readonly #waiting = new Set<() => void>();
  readonly #subscribers = new Set<() => void>();

  notify(): void {
    this.#noticed = true;
    for (const wakeUp of this.#waiting) wakeUp();
    for (const subscriber of this.#subscribers) subscriber();
  }

  /** Calls `subscriber` on every notice until the returned function is called. */
  subscribe(subscriber: () => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /** Resolves after `timeoutMs`, or as soon as somebody notifies. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#noticed) {
      await new Promise<void>((resolve) => {
        const finish = () => {
          clearTimeout(timer);
          this.#waiting.delete(finish);
          resolve();
        };
        const timer = setTimeout(finish, timeoutMs);
        this.#waiting.add(finish);
      });
    }
    this.#noticed = false;
  }
}

export interface Backoff {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** Exponential with a cap, and up to a fifth less at random so that several waiters do not meet again and again. */
export function backoffMs(backoff: Backoff, attempt: number, random: () => number = Math.random): number {
  const full = Math.min(backoff.maxMs, backoff.initialMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full * (0.8 + 0.2 * random()));
}
