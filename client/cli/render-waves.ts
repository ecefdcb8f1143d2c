import type { ChalkInstance } from 'chalk';
import { hasEnded } from '../../domain/state.js';
import type { ApplyStatus } from '../../domain/status.js';
import type { WaveRecord } from '../../domain/wave.js';
import { renderTable } from './table.js';

/** Most waves shown; the one that goes on is among them. */
const WAVES_MAX = 6;

/** Where each wave stands, a line each, with its effective numbers; nothing for a spec without waves. */
export function renderWaves(
  { policy, waves, operations, waitingFor }: Pick<ApplyStatus, 'policy' | 'waves' | 'operations' | 'waitingFor'>,
  style: ChalkInstance,
): readonly string[] {
  if (policy.waves.length === 1) return [];
  const rows = policy.waves.map(({ name, deployments, maxConcurrency, failureTolerance }, index) => {
    const ended = operations.filter(({ wave, state }) => wave === name && hasEnded(state)).length;
    const waitsFor = waitingFor?.wave === name ? waitingFor.for : null;
    return [
      `  ${index === 0 ? style.dim('waves') : '     '}`,
      name,
      `${ended} of ${deployments.length} ended`,
      describeWave(waves[index], waitsFor, ended === deployments.length),
      style.dim(`${maxConcurrency} at a time, tolerance ${failureTolerance}`),
    ];
  });
  const current = waves.findIndex(({ endedAt }) => endedAt === null);
  const first = Math.max(0, Math.min((current < 0 ? rows.length : current) - 1, rows.length - WAVES_MAX));
  const shown = rows.slice(first, first + WAVES_MAX);
  const table = renderTable(['', '', '', '', ''], shown).split('\n').slice(1);
  const more = rows.length - shown.length;
  return more === 0 ? table : [...table, `         … and ${more} more`];
}

/** Lines that `renderWaves` takes. */
export function waveLines({ policy }: Pick<ApplyStatus, 'policy'>): number {
  const count = policy.waves.length;
  return count === 1 ? 0 : Math.min(count, WAVES_MAX + 1);
}

function describeWave(record: WaveRecord | undefined, waitsFor: string | null, allEnded: boolean): string {
  if (record?.barred === 'operator') return 'rejected';
  if (record?.barred === 'deadline') return 'expired';
  if (waitsFor === 'gate') return 'waits for approve';
  if (waitsFor === 'bake') return 'waits for the bake';
  if (record?.startedAt != null) return allEnded ? 'ended' : 'going on';
  return record?.approvedAt == null ? 'not started' : 'not started, approved';
}

/** What has happened to waves from one status to the next, a line each. */
export function renderWaveChanges(previous: ApplyStatus | null, next: ApplyStatus): readonly string[] {
  if (next.policy.waves.length === 1) return [];
  return next.waves.flatMap((record, index) => {
    const before = previous?.waves[index];
    const wave = `wave ${record.name}`;
    return [
      ...(record.approvedAt !== null && before?.approvedAt == null
        ? [`${wave}  approved${record.approvedBy === null ? '' : ` by ${record.approvedBy}`}`]
        : []),
      ...(record.startedAt !== null && before?.startedAt == null ? [`${wave}  started`] : []),
      ...(record.endedAt !== null && before?.endedAt == null ? [`${wave}  ended`] : []),
      ...(record.barred !== null && before?.barred == null
        ? [`${wave}  ${record.barred === 'operator' ? 'rejected' : 'expired'}`]
        : []),
    ];
  });
}
