import type { RolloutPlan } from '../client/index.js';
import type { ApplyResult } from '../domain/apply.js';
import { operationWorkflowId } from '../domain/ids.js';
import type { ScriptedEngine } from '../test/support/scripted-engine.js';
import { deploymentName, type Rig } from './rig.js';

const ENVIRONMENT = 'bench';
const DATABASE = 'orders';
const SCHEMA = { public: { 'orders.sql': 'CREATE TABLE orders (id bigint primary key, note text);' } };

/** A reviewed plan on targets of its own, ready to be started. Its connections are open and its engines proven. */
export interface Prepared {
  readonly id: string;
  readonly plan: RolloutPlan;
  readonly targets: readonly string[];
  readonly deployments: readonly string[];
  readonly engine: ScriptedEngine;
}

export async function prepare(
  rig: Rig,
  params: {
    readonly id: string;
    readonly deployments: number;
    readonly maxConcurrency: number;
    /** Whether the changes stay in flight on their engines instead of ending at once. Default false. */
    readonly holds?: boolean;
    /** Whether it is on the engine whose diff is read before each dispatch. Default false. */
    readonly other?: boolean;
  },
): Promise<Prepared> {
  const { id, maxConcurrency, holds = false, other = false } = params;
  const engine = other ? rig.otherEngine : rig.engine;
  const targets = Array.from({ length: params.deployments }, (_, index) => `${id}-${index}`);
  const deployments = targets.map((_, index) => deploymentName(index, { other }));
  for (const target of targets) {
    engine.addTarget(target);
    if (holds) engine.script(target, { steps: [{ state: 'STATE_RUNNING', holds: true }] });
  }
  const plan = await rig.skein.plan({
    spec: {
      database: DATABASE,
      type: 'postgres',
      environment: ENVIRONMENT,
      deployments: targets.map((target, index) => ({ name: deployments[index] ?? '', target, queue: 'skein' })),
      rollout: {
        maxConcurrency,
        onFailure: 'halt',
        failureTolerance: 0,
        cutover: 'rolling',
        inFlight: 'finish',
        waves: [],
      },
      verify: true,
      pollIntervalMs: null,
    },
    schemaFiles: SCHEMA,
  });
  return { id, plan, targets, deployments, engine };
}

/** Runs a prepared rollout to its end; the time is from before the start to the result. Refuses a wrong result. */
export async function rollOut(rig: Rig, { id, plan, targets, engine }: Prepared): Promise<number> {
  const startedAt = performance.now();
  await rig.skein.apply(plan, { id });
  const result: ApplyResult = await rig.client.workflow.getHandle(id).result();
  const elapsedMs = performance.now() - startedAt;
  if (result.state !== 'completed') throw new Error(`bench ${id}: ended ${result.state}: ${JSON.stringify(result)}`);
  for (const target of targets) {
    const executions = engine.ledger.effects({ effect: 'executed', target }).length;
    if (executions !== 1) throw new Error(`bench ${id}: ${target} was executed ${executions} times`);
  }
  return elapsedMs;
}

/** Events in the histories of a closed rollout. */
export interface Events {
  readonly parent: number;
  readonly childMax: number;
  readonly childMean: number;
}

const DESCRIBED_AT_ONCE = 50;

export async function countEvents(rig: Rig, { id, targets, deployments }: Prepared): Promise<Events> {
  const lengthOf = async (workflowId: string): Promise<number> =>
    (await rig.client.workflow.getHandle(workflowId).describe()).historyLength;
  const children: number[] = [];
  for (let first = 0; first < targets.length; first += DESCRIBED_AT_ONCE) {
    const ids = targets.slice(first, first + DESCRIBED_AT_ONCE).map((target, index) =>
      operationWorkflowId({
        environment: ENVIRONMENT,
        database: DATABASE,
        deployment: deployments[first + index] ?? '',
        target,
      }),
    );
    children.push(...(await Promise.all(ids.map(lengthOf))));
  }
  return {
    parent: await lengthOf(id),
    childMax: Math.max(...children),
    childMean: children.reduce((sum, length) => sum + length, 0) / children.length,
  };
}
