import type { StackDeployment } from '../stack.js';
import { type EngineRecord, readEngineRecords } from './database.js';
import type { Claims } from './scene.js';
import { table, timeOfDay } from './screen.js';

/** What the engines themselves recorded of a rollout whose cutovers were deferred, and what follows from it. */

/** One wave, and every apply that an engine of it ever accepted, in rollout order. */
export interface WaveRecords {
  readonly wave: string;
  readonly records: readonly NamedRecord[];
}

export interface NamedRecord extends EngineRecord {
  readonly deployment: string;
}

export async function recordsOf(deployments: readonly StackDeployment[]): Promise<readonly NamedRecord[]> {
  const found = await Promise.all(
    deployments.map(async ({ name, dsn }) =>
      (await readEngineRecords(dsn)).map((record) => ({ ...record, deployment: name })),
    ),
  );
  return found.flat();
}

export function showCutovers(waves: readonly WaveRecords[]): void {
  table(
    ['wave', 'deployment', 'accepted', 'index built', 'parked', 'cutover from', 'to'],
    waves.flatMap(({ wave, records }) =>
      records.map((record) => [
        wave,
        record.deployment,
        ...[
          record.createdAt,
          record.preparedAt,
          record.parkedAt,
          record.cutover?.askedAt ?? null,
          record.cutover?.settledAt ?? null,
        ].map(timeOrNever),
      ]),
    ),
  );
}

/** Claims what `cutover: barrier` promises: the long work first, nobody before the wave is ready, never two at once. */
export function claimBarrier(waves: readonly WaveRecords[], claims: Claims): void {
  const all = waves.flatMap(({ records }) => records);
  claims.make(
    all.every(({ preparedAt, cutover }) => isBefore(preparedAt, cutover?.askedAt)),
    'every index was built before the cutover of its database began',
  );
  for (const { wave, records } of waves) {
    const isBarrier = records.every((own) => records.every((other) => isBefore(other.parkedAt, own.cutover?.askedAt)));
    claims.make(isBarrier, `${wave}: no cutover before the last one was parked`);
  }
  claims.make(
    all.every(({ cutover }, index) => index === 0 || isBefore(all[index - 1]?.cutover?.settledAt, cutover?.askedAt)),
    'no two cut over at once, and they did it in rollout order',
  );
}

/** False as well when one of them has never happened. */
function isBefore(one: Date | null | undefined, other: Date | null | undefined): boolean {
  return one != null && other != null && one <= other;
}

function timeOrNever(time: Date | null): string {
  return time === null ? 'never' : timeOfDay(time);
}
