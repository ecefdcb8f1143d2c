import { until } from '../test/support/until.js';
import { type Cost, measure, median, usageRows } from './cost.js';
import { runFloor } from './floor.js';
import { row, type Row } from './report.js';
import type { Rig } from './rig.js';
import { countEvents, prepare, rollOut } from './rollout.js';

/** Times the empty parent and a rollout of the same width alternately; the rows hold the medians. */
export async function measureFanOut(
  rig: Rig,
  { deployments, rounds }: { readonly deployments: number; readonly rounds: number },
): Promise<readonly Row[]> {
  const floors: Cost[] = [];
  const rollouts: Cost[] = [];
  const rows: Row[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const id = `fan-out-${deployments}-${round}`;
    const prepared = await prepare(rig, { id, deployments, maxConcurrency: deployments });
    const runEmpty = () => runFloor(rig.client, { children: deployments, id: `floor-${id}` });
    floors.push(await measure(rig, rig.processes.floor, runEmpty));
    rollouts.push(await measure(rig, rig.processes.rollout, () => rollOut(rig, prepared)));
    if (round < rounds) continue;
    const events = await countEvents(rig, prepared);
    rows.push(
      row('events in the child, largest', deployments, events.childMax, 'events', 21),
      row('events in the parent, per deployment', deployments, events.parent / deployments, 'events', 6),
    );
  }
  const floor = median(floors.map(({ elapsedMs }) => elapsedMs / deployments));
  const value = median(rollouts.map(({ elapsedMs }) => elapsedMs / deployments));
  const time: Row = {
    measure: 'time per deployment, all at once',
    deployments,
    value,
    unit: 'ms',
    floor,
    ratio: value / floor,
    goal: 1.5,
    met: value / floor <= 1.5,
  };
  return [time, ...usageRows(deployments, floors, rollouts), ...rows];
}

/**
 * What it costs to read the diff before each dispatch, as is done with engines that do not compare for themselves: the same
 * rollout on engines of both kinds alternately, and the medians. The floor is the rollout without.
 */
export async function measureReadBefore(
  rig: Rig,
  { deployments, rounds }: { readonly deployments: number; readonly rounds: number },
): Promise<readonly Row[]> {
  const times: Record<'with' | 'without', number[]> = { with: [], without: [] };
  let calls = 0;
  for (let round = 1; round <= rounds; round += 1) {
    for (const kind of ['without', 'with'] as const) {
      const id = `read-before-${kind}-${round}`;
      const prepared = await prepare(rig, { id, deployments, maxConcurrency: deployments, other: kind === 'with' });
      await rig.begin();
      times[kind].push((await rollOut(rig, prepared)) / deployments);
      const reads = prepared.engine.ledger.calls({ rpc: 'PlanDiff' });
      if (kind === 'with') calls = reads.filter(({ target }) => prepared.targets.includes(target)).length;
    }
  }
  const [value, floor] = [median(times.with), median(times.without)];
  const name = 'time per deployment with a diff before each dispatch (floor: without)';
  const ratio = value / floor;
  return [
    { measure: name, deployments, value, unit: 'ms', floor, ratio, goal: null, met: null },
    row('PlanDiff per deployment, with one before the dispatch', deployments, calls / deployments, 'calls', 2),
  ];
}

/** One deployment after another. The engine's own time is none: it is done as soon as it has answered. */
export async function measureSequence(rig: Rig, deployments: number): Promise<readonly Row[]> {
  const prepared = await prepare(rig, { id: `sequence-${deployments}`, deployments, maxConcurrency: 1 });
  await rig.begin();
  await rollOut(rig, prepared);
  const times = prepared.targets.flatMap((target) =>
    rig.engine.ledger.effects({ effect: 'executed', target }).map(({ atMs }) => atMs),
  );
  const perDeploymentMs = (Math.max(...times) - Math.min(...times)) / (deployments - 1);
  const events = await countEvents(rig, prepared);
  return [
    row('time from one deployment to the next, in sequence', deployments, perDeploymentMs, 'ms', 60),
    row('events in the child, largest', deployments, events.childMax, 'events', 21),
    row(
      'events in the parent, per deployment beyond 10',
      deployments,
      (events.parent - 10) / deployments,
      'events',
      12,
    ),
  ];
}

/** The smallest apply there is. */
export async function measureSingle(rig: Rig): Promise<readonly Row[]> {
  const prepared = await prepare(rig, { id: 'single', deployments: 1, maxConcurrency: 1 });
  await rig.begin();
  const elapsedMs = await rollOut(rig, prepared);
  const events = await countEvents(rig, prepared);
  return [
    row('time from start to result', 1, elapsedMs, 'ms', null),
    row('events in the child', 1, events.childMax, 'events', 17),
    row('events in the parent', 1, events.parent, 'events', 14),
  ];
}

const IN_FLIGHT_DEADLINE_MS = 120_000;

/** From the signal to the last Stop call that an engine sees, with all deployments at work. */
export async function measureStop(rig: Rig, deployments: number): Promise<readonly Row[]> {
  const { ledger } = rig.engine;
  const id = `stop-${deployments}`;
  const prepared = await prepare(rig, { id, deployments, maxConcurrency: deployments, holds: true });
  const ours = new Set(prepared.targets);
  const countOf = (entries: readonly { readonly target: string }[]): number =>
    new Set(entries.filter(({ target }) => ours.has(target)).map(({ target }) => target)).size;
  await rig.skein.apply(prepared.plan, { id });
  // Every one is watched, not merely accepted. Asked for now and then: the ledger grows with every look at an engine.
  await until(() => countOf(ledger.calls({ rpc: 'Progress' })) === deployments, IN_FLIGHT_DEADLINE_MS);
  // What it took to get there is not part of a stop, which comes when people have looked at changes at work for a while.
  await rig.begin();
  const handle = rig.client.workflow.getHandle(id);
  const signalledAtMs = ledger.nowMs;
  await handle.signal('stop');
  await until(() => countOf(ledger.calls({ rpc: 'Stop' })) === deployments, IN_FLIGHT_DEADLINE_MS);
  const stops = ledger.calls({ rpc: 'Stop' }).filter(({ target }) => ours.has(target));
  const firstPerTarget = new Map(stops.toReversed().map(({ target, atMs }) => [target, atMs]));
  const result: unknown = await handle.result();
  if (ledger.effects({ effect: 'stopped' }).filter(({ target }) => ours.has(target)).length !== deployments) {
    throw new Error(`bench ${id}: not every deployment was stopped: ${JSON.stringify(result)}`);
  }
  const lastMs = Math.max(...firstPerTarget.values()) - signalledAtMs;
  return [row('time from a stop to the last Stop call', deployments, lastMs, 'ms', null)];
}
