import { type Processes, type Usage, usageOf } from './processor-time.js';
import type { Row } from './report.js';
import type { Rig } from './rig.js';

/** One run of something, with what it cost. */
export interface Cost {
  readonly elapsedMs: number;
  /** From its beginning to its end; null where it cannot be told. */
  readonly usage: Usage | null;
}

/** Runs it once the server is quiet, and asks the processes what they have used before and afterwards. */
export async function measure(
  rig: Pick<Rig, 'begin'>,
  processes: Processes,
  run: () => Promise<number>,
): Promise<Cost> {
  await rig.begin();
  const before = usageOf(processes);
  const elapsedMs = await run();
  const after = usageOf(processes);
  if (before === null || after === null) return { elapsedMs, usage: null };
  const { server, worker, bench } = after;
  return {
    elapsedMs,
    usage: { server: server - before.server, worker: worker - before.worker, bench: bench - before.bench },
  };
}

const USERS: Readonly<Record<keyof Usage, string>> = {
  server: 'server',
  worker: 'worker',
  bench: 'engines and bench',
};

/** Where the time goes: a row per process; none where it cannot be told. */
export function usageRows(deployments: number, floors: readonly Cost[], rollouts: readonly Cost[]): readonly Row[] {
  const perDeployment = (costs: readonly Cost[], who: keyof Usage): number =>
    median(costs.map(({ usage }) => (usage === null ? Number.NaN : usage[who] / deployments)));
  return (['server', 'worker', 'bench'] as const).flatMap((who): readonly Row[] => {
    const [floor, value] = [perDeployment(floors, who), perDeployment(rollouts, who)];
    if (Number.isNaN(floor) || Number.isNaN(value)) return [];
    const name = `CPU per deployment: ${USERS[who]}`;
    // A process that did next to nothing for the floor has no ratio that says anything.
    const ratio = floor >= 1 ? value / floor : null;
    return [{ measure: name, deployments, value, unit: 'ms of CPU', floor, ratio, goal: null, met: null }];
  });
}

/** The lower one of two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}
