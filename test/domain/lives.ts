import { deriveApplyState } from '../../domain/derive.js';
import { CUTOVERS, IN_FLIGHT, ON_FAILURE, type RolloutPolicy } from '../../domain/spec.js';
import { policy, wave } from './builders.js';
import { FATES, type Fate, everyFate, live } from './fates.js';
import { plainState } from './plain-rules.js';
import { type World, createWorld } from './rollout-world.js';
import { checkDecision } from './walk.js';

/** How a number of operations is divided into two waves: so many in the first, and the rest behind a bake and a gate. */
export interface Lives {
  readonly size: number;
  readonly firstWave: number;
  readonly widths: readonly number[];
  readonly fates?: readonly Fate[];
}

/**
 * Every outcome per operation, under every policy, width and cutover. Each decision on the way is checked against the
 * written rules, and so is the verdict. Gives how many lives there were.
 */
export function liveAll({ size, firstWave, widths, fates = FATES }: Lives): number {
  const waveOf = Array.from({ length: size }, (_, index) => (index < firstWave ? 0 : 1));
  const start = createWorld(
    waveOf.map(() => 'fresh'),
    waveOf,
  );
  let lives = 0;
  for (const rules of everyPolicy(widths, firstWave < size))
    for (const chosen of everyFate(size, fates)) {
      const end = live({
        start,
        fates: chosen,
        policy: rules,
        onDecision: (world, decision) => checkDecision(world, rules, decision),
      });
      checkEnd(end, rules, chosen);
      lives += 1;
    }
  return lives;
}

function* everyPolicy(widths: readonly number[], isTwo: boolean): Generator<RolloutPolicy> {
  for (const cutover of CUTOVERS)
    for (const onFailure of ON_FAILURE)
      for (const inFlight of onFailure === 'halt' ? IN_FLIGHT : (['finish'] as const))
        for (const failureTolerance of onFailure === 'continue' ? [0] : [0, 1])
          for (const maxConcurrency of widths) {
            const first = wave({ name: 'canary', maxConcurrency, failureTolerance, bakeTimeMs: 1 });
            const second = wave({ name: 'rest', maxConcurrency, failureTolerance, gate: 'manual' });
            yield policy(onFailure, 0, 1, { cutover, inFlight, waves: isTwo ? [first, second] : [first] });
          }
}

/** The verdict is the written one, and what never ran was ended by the policy and by nobody else. */
function checkEnd(end: World, rules: RolloutPolicy, fates: readonly Fate[]): void {
  const situation = { policy: rules, operations: end.operations, waves: end.waves, controls: end.controls };
  const state = deriveApplyState(situation);
  const expected = plainState(situation);
  const isOdd = end.operations.some(
    ({ started, state: own, reason }) => !started && (own !== 'stopped' || reason !== 'policy'),
  );
  if (state === expected && !isOdd) return;
  throw new Error(`ends ${state} instead of ${expected} with ${fates.join(', ')} under ${JSON.stringify(rules)}`);
}
