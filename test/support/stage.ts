import { createHash } from 'node:crypto';
import { Client, Connection, type WorkflowHandle, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { afterAll, afterEach } from 'vitest';
import type { ApplyInput, ApplyResult, ApplyView } from '../../domain/apply.js';
import type { OperationOutcome } from '../../domain/operation.js';
import { canonicalChanges } from '../../domain/planning.js';
import type { RolloutSpec } from '../../domain/spec.js';
import { createEngines } from '../../tern/engines.js';
import { bundleWorkflows } from '../../worker/bundle.js';
import { SkeinWorker } from '../../worker/worker.js';
import type { apply } from '../../workflows/apply.js';
import { MEMO_APPLY, MEMO_SPEC_DIGEST, statusQuery } from '../../workflows/messages.js';
import { type ScriptedEngine, startScriptedEngine } from './scripted-engine.js';
import { testTemporalServer } from './temporal.js';
import { until } from './until.js';

/** One deployment per scripted engine; its target is called like the deployment. */
export const SCHEMA = { public: { 'orders.sql': 'CREATE TABLE orders (id bigint);' } };

export interface Stage {
  readonly client: Client;
  /** Starts scripted engines for these deployments, one each, and a worker that knows them. */
  scene(deployments: readonly string[], options?: SceneOptions): Promise<Scene>;
}

export interface SceneOptions {
  readonly dialect?: 'full' | 'limited' | 'old';
  readonly lookup?: boolean;
  /** Default: a worker runs. False: none until `startWorker`. */
  readonly worker?: boolean;
}

export interface Scene {
  readonly client: Client;
  /** A name of its own for every scene, used as the database, so that target ids never meet. */
  readonly database: string;
  engine(deployment: string): ScriptedEngine;
  input(options?: InputOptions): Promise<ApplyInput>;
  start(input: ApplyInput, applyId?: string): Promise<WorkflowHandle<typeof apply>>;
  startWorker(): Promise<void>;
  stopWorker(): Promise<void>;
}

export interface InputOptions {
  readonly deployments?: readonly string[];
  readonly rollout?: Partial<RolloutSpec>;
  readonly verify?: boolean;
  readonly pollIntervalMs?: number | null;
}

let scenes = 0;

/** A Temporal server and the workflow bundle for one test file. Call at the top of the file. */
export async function openStage(): Promise<Stage> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const [server, code] = await Promise.all([testTemporalServer(), bundleWorkflows()]);
  const connection = await Connection.connect({ address: server.address });
  const nativeConnection = await NativeConnection.connect({ address: server.address });
  const client = new Client({ connection });
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });
  afterAll(async () => {
    await nativeConnection.close();
    await connection.close();
  });
  return {
    client,
    scene: async (deployments, options = {}) => {
      scenes += 1;
      const database = `db${process.pid}-${scenes}`;
      const engines = new Map<string, ScriptedEngine>();
      for (const name of deployments) {
        const { dialect, lookup } = options;
        engines.set(
          name,
          await startScriptedEngine({
            targets: [name],
            name,
            ...(dialect === undefined ? {} : { dialect }),
            ...(lookup === undefined ? {} : { lookup }),
          }),
        );
      }
      const addresses = Object.fromEntries([...engines].map(([name, { address }]) => [name, { address }]));
      let running: { worker: SkeinWorker; run: Promise<void>; close: () => void } | null = null;
      const startWorker = async () => {
        const ports = createEngines(addresses);
        const worker = await SkeinWorker.create({
          connection: nativeConnection,
          client,
          namespace: 'default',
          engines: ports,
          queues: ['skein'],
          workflowBundle: { code },
          shutdownGraceMs: 0,
        });
        running = { worker, run: worker.run(), close: () => ports.close() };
      };
      const stopWorker = async () => {
        const stopping = running;
        running = null;
        if (stopping === null) return;
        stopping.worker.shutdown();
        await stopping.run;
        stopping.close();
      };
      if (options.worker !== false) await startWorker();
      closers.push(async () => {
        await stopWorker();
        await Promise.all([...engines.values()].map((engine) => engine.stop()));
      });
      const engine = (name: string) => {
        const found = engines.get(name);
        if (found === undefined) throw new Error(`no engine for ${name}`);
        return found;
      };
      return {
        client,
        database,
        engine,
        startWorker,
        stopWorker,
        input: (inputOptions = {}) =>
          buildInput({ database, deployments: inputOptions.deployments ?? deployments, addresses, ...inputOptions }),
        start: (input, applyId = `apply-${database}`) =>
          client.workflow.start<typeof apply>('apply', {
            workflowId: applyId,
            taskQueue: 'skein',
            args: [input],
            memo: { [MEMO_APPLY]: applyId, [MEMO_SPEC_DIGEST]: input.specDigest },
          }),
      };
    },
  };
}

/** Plans on every engine, as the plan workflow does, and builds the input of an apply. */
async function buildInput(
  params: InputOptions & {
    readonly database: string;
    readonly deployments: readonly string[];
    readonly addresses: Readonly<Record<string, { readonly address: string }>>;
  },
): Promise<ApplyInput> {
  const { database } = params;
  const engines = createEngines(params.addresses);
  const plans = [];
  for (const deployment of params.deployments) {
    const plan = await engines
      .engineFor(deployment)
      .plan({ database, type: 'postgres', environment: 'test', target: deployment, schemaFiles: SCHEMA });
    const digest = createHash('sha256').update(canonicalChanges(plan.changes)).digest('hex');
    plans.push({ deployment, planId: plan.planId, digest, plan });
  }
  engines.close();
  const classes = [
    ...new Map(
      plans.map(({ digest, plan }) => [digest, { digest, changes: plan.changes, lintViolations: [], leftovers: [] }]),
    ).values(),
  ];
  return {
    spec: {
      database,
      type: 'postgres',
      environment: 'test',
      deployments: params.deployments.map((name) => ({ name, target: name, queue: 'skein' })),
      rollout: { maxConcurrency: 1, onFailure: 'halt', failureTolerance: 0, cutover: 'rolling', ...params.rollout },
      verify: params.verify ?? true,
      pollIntervalMs: params.pollIntervalMs ?? null,
    },
    specDigest: createHash('sha256').update(JSON.stringify(params)).digest('hex'),
    plan: {
      schemaFiles: SCHEMA,
      classes,
      deployments: plans.map(({ deployment, planId, digest }) => ({ deployment, planId, digest })),
    },
    allowUnsafe: false,
    caller: 'tester',
    carried: null,
  };
}

/** The result of an apply, whether its run completed with it or failed with it. */
export async function resultOf(handle: WorkflowHandle<typeof apply>): Promise<ApplyResult> {
  try {
    return await handle.result();
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    if (!(cause instanceof ApplicationFailure) || cause.type !== 'ApplyFailed') throw error;
    return cause.details?.[0] as ApplyResult;
  }
}

export function operationOf(result: ApplyResult, deployment: string): OperationOutcome {
  const found = result.operations.find((operation) => operation.deployment === deployment);
  if (found === undefined) throw new Error(`no operation ${deployment} in ${JSON.stringify(result)}`);
  return found;
}

/** `eu=completed us=stopped`: what a test says about a result at a glance. */
export function summary(result: ApplyResult): string {
  return result.operations.map((operation) => `${operation.deployment}=${operation.state}`).join(' ');
}

/** Waits until the parent's view satisfies the predicate. */
export async function untilView(
  handle: WorkflowHandle<typeof apply>,
  predicate: (view: ApplyView) => boolean,
): Promise<ApplyView> {
  return until(async () => {
    const view = await handle.query(statusQuery);
    return predicate(view) ? view : null;
  });
}
