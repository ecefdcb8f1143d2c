import type { WaveSpec } from '../../domain/spec.js';
import type { Ledger } from './scripted-engine.js';

/** A wave that starts by itself, but for what is given. */
export function wave(name: string, deployments: readonly string[], given: Partial<WaveSpec> = {}): WaveSpec {
  return { name, deployments, bakeTimeMs: 0, gate: 'auto', expiresAfterMs: null, ...given };
}

/** The largest number of these targets that were at work at one time. */
export function mostAtOnce(ledger: Ledger, targets: readonly string[]): number {
  const atWork = new Set<string>();
  let most = 0;
  for (const { effect, target } of ledger.effects()) {
    if (!targets.includes(target)) continue;
    if (effect === 'executed' || effect === 'resumed') atWork.add(target);
    else atWork.delete(target);
    most = Math.max(most, atWork.size);
  }
  return most;
}
