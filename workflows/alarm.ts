import { sleep } from '@temporalio/workflow';

/**
 * Calls back at given moments. A moment that turned out not to matter passes unnoticed: its timer is left to run out,
 * because a timer that is cancelled while it fires wedges a run on some servers (temporal 7.2, sdk-rust#680).
 */
export class Alarm {
  readonly #ring: () => void;
  readonly #moments = new Set<number>();

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Sets it for a moment in milliseconds since the epoch; once per moment, and never for null. */
  set(atMs: number | null): void {
    if (atMs === null || this.#moments.has(atMs)) return;
    this.#moments.add(atMs);
    void sleep(Math.max(1, atMs - Date.now())).then(this.#ring);
  }
}
