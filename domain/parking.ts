import type { LiveDetail } from './live.js';
import { isoTime } from './time.js';

/**
 * How long engines are known to hold a finished copy before they give it up by themselves, in milliseconds: SchemaBot
 * cancels a change that waited 14 days for its cutover (rollout semantics 6). One that says otherwise is believed.
 */
const PARKED_MS_MAX = 14 * 86_400_000;

/** From how long before that limit on a person is warned. */
const WARNING_MS = 3 * 86_400_000;

/** A warning that the engine will soon give a parked change up; empty while there is time, or when nothing is parked. */
export function parkedWarning(live: Pick<LiveDetail, 'state' | 'parkedSince' | 'parkedUntil'>, nowMs: number): string {
  if (live.state !== 'waiting_for_cutover' || live.parkedSince === null) return '';
  const known = live.parkedUntil === null ? null : Date.parse(live.parkedUntil);
  const untilMs = known ?? Date.parse(live.parkedSince) + PARKED_MS_MAX;
  if (untilMs - nowMs > WARNING_MS) return '';
  const when = isoTime(untilMs);
  return known === null
    ? `parked since ${live.parkedSince}; engines are known to give a copy up after 14 days, which is ${when}: cut over, or cancel`
    : `parked since ${live.parkedSince}, and its engine gives the copy up at ${when}: cut over, or cancel`;
}
