import type { RolloutPolicy } from '../domain/spec.js';
import {
  type NextWave,
  type WaveFacts,
  type WaveRecord,
  bakedAtMs,
  expiresAtMs,
  freshWave,
  waveFacts,
} from '../domain/wave.js';

/** What the apply workflow remembers of its waves, and when time alone changes something about them. */
export class WaveMemory {
  readonly #policy: RolloutPolicy;
  readonly #records: WaveRecord[];

  constructor(policy: RolloutPolicy, carried: readonly WaveRecord[]) {
    this.#policy = policy;
    this.#records = policy.waves.map(({ name }) => carried.find((wave) => wave.name === name) ?? freshWave(name));
  }

  get records(): readonly WaveRecord[] {
    return this.#records;
  }

  facts(): WaveFacts[] {
    return waveFacts(this.#records, this.#policy, Date.now());
  }

  /** Notes which waves have ended, and gates that expired since the last look: an answer that came first counts. */
  look(hasEnded: (wave: number) => boolean): void {
    this.#records.forEach((record, index) => {
      const endedAt = hasEnded(index) ? (record.endedAt ?? now()) : null;
      if (endedAt !== record.endedAt) this.#change(index, { endedAt });
      const expiresMs = expiresAtMs(record, this.#policy.waves[index]?.expiresAfterMs ?? null);
      const isAnswered = record.barred !== null || record.approvedAt !== null;
      if (!isAnswered && expiresMs !== null && expiresMs <= Date.now()) this.#change(index, { barred: 'deadline' });
    });
  }

  start(index: number): void {
    this.#change(index, { startedAt: now(), gateSince: null });
  }

  approve(name: string, by: string | null): void {
    this.#change(this.#indexOf(name), { approvedAt: now(), approvedBy: by });
  }

  reject(name: string): void {
    this.#change(this.#indexOf(name), { barred: 'operator' });
  }

  /** Notes what the next wave waits for; gives the moment at which that ends by itself, or null. */
  await(wait: NextWave | null): number | null {
    this.#records.forEach((record, index) => {
      const isWaitedFor = wait?.waitsFor === 'gate' && wait.index === index;
      if (isWaitedFor !== (record.gateSince !== null)) this.#change(index, { gateSince: isWaitedFor ? now() : null });
    });
    if (wait === null) return null;
    const before = this.#records[wait.index - 1];
    if (wait.waitsFor === 'bake')
      return before === undefined ? null : bakedAtMs(before, this.#policy.waves[wait.index - 1]?.bakeTimeMs ?? 0);
    const own = this.#records[wait.index];
    return own === undefined ? null : expiresAtMs(own, this.#policy.waves[wait.index]?.expiresAfterMs ?? null);
  }

  #indexOf(name: string): number {
    return this.#records.findIndex((record) => record.name === name);
  }

  #change(index: number, change: Partial<WaveRecord>): void {
    const record = this.#records[index];
    if (record !== undefined) this.#records[index] = { ...record, ...change };
  }
}

function now(): string {
  return new Date().toISOString();
}
