/**
 * What has been started so far and how it is ended, newest first. It is filled while things start, so that an interrupt
 * in the middle of a start ends exactly what there is.
 */
export class Closing {
  readonly #steps: { readonly name: string; readonly close: () => Promise<unknown> }[] = [];
  #running: Promise<void> | null = null;

  add(name: string, close: () => Promise<unknown>): void {
    this.#steps.push({ name, close });
  }

  /**
   * Runs every step, also after one that failed; rejects with all failures together. Safe to call twice: a step runs
   * once, and one that was entered after the first call (an interrupt came in the middle of a start) runs at the next.
   */
  run(): Promise<void> {
    const before = this.#running;
    this.#running = (async () => {
      await before?.catch(() => undefined); // Its caller knows of it.
      await this.#runAll();
    })();
    return this.#running;
  }

  async #runAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.close();
      } catch (cause) {
        failures.push(new Error(`${step.name} did not end cleanly`, { cause }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything ended cleanly');
  }
}
