import type { Decision } from '../../domain/rollout.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import type { World } from './rollout-world.js';

/**
 * What ends without a call and what is halted on its engine, by design section 5, written down a second time without any
 * of the code it checks. One line per operation, in rollout order.
 */
export function plainEnds(world: World, policy: RolloutPolicy, isOpen: boolean): readonly string[] {
  const { operations, controls, waves } = world;
  const barredFrom = waves.findIndex(({ barred }) => barred !== null);
  const lines: string[] = [];
  for (const one of operations) {
    if (['completed', 'failed', 'stopped', 'cancelled', 'reverted'].includes(one.state)) continue;
    // "In the whole revert phase" nothing is stopped: the change is live.
    if (one.state === 'revert_window' || one.state === 'reverting') continue;
    const waits = one.state === 'pending' && !one.admitted;
    if (controls.cancel || one.cancelAsked) {
      const endsHere = waits && one.atRest && !one.resumes;
      lines.push(`${one.deployment} ${endsHere ? 'ends cancelled' : 'is halted by cancel'} (operator)`);
      continue;
    }
    const reason = controls.stop ? 'operator' : whyStopped(one);
    if (reason === null) continue;
    lines.push(`${one.deployment} ${waits && one.atRest ? 'ends stopped' : 'is halted by stop'} (${reason})`);
  }
  return lines;

  function whyStopped(one: World['operations'][number]): string | null {
    const waits = one.state === 'pending' && !one.admitted;
    if (waits && barredFrom >= 0 && one.wave >= barredFrom) return waves[barredFrom]?.barred ?? null;
    if (isOpen || policy.onFailure === 'pause') return null;
    if (waits) return 'policy';
    const runs = ['pending', 'dispatching', 'running', 'failed_retryable'].includes(one.state);
    return runs && policy.inFlight === 'stop' ? 'policy' : null;
  }
}

/** The same of a decision. */
export function endsOf({ end, halt }: Decision, world: World): readonly string[] {
  const lines = new Map([
    ...end.map(({ deployment, as, reason }) => [deployment, `${deployment} ends ${as} (${reason})`] as const),
    ...halt.map(({ deployment, by, reason }) => [deployment, `${deployment} is halted by ${by} (${reason})`] as const),
  ]);
  return world.operations.flatMap(({ deployment }) => lines.get(deployment) ?? []);
}
