import { createHash } from 'node:crypto';
import {
  Client,
  Connection,
  WorkflowFailedError,
  type WorkflowHandle,
  type WorkflowHandleWithFirstExecutionRunId,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, afterEach } from 'vitest';
import type { Timings } from '../../activities/timings.js';
import type { ApplyInput, ApplyResult, ApplyView } from '../../domain/apply.js';
import type { OperationOutcome } from '../../domain/operation.js';
import type { SchemaFiles } from '../../domain/plan.js';
import { canonicalChanges } from '../../domain/planning.js';
import type { RolloutSpec } from '../../domain/spec.js';
import { createEngines, type EngineConfiguration } from '../../tern/engines.js';
import type { Patience } from '../../tern/limits.js';
import type { apply } from '../../workflows/apply.js';
import type { operation } from '../../workflows/operation.js';
import { MEMO_APPLY, MEMO_SPEC_DIGEST, statusQuery } from '../../workflows/messages.js';
import { installQuietRuntime } from './quiet-runtime.js';
import { type Dialect, type ScriptedEngine, startScriptedEngine } from './scripted-engine.js';
import { StageWorker, type WorkerMode } from './stage-worker.js';
import { testTemporalServer } from './temporal.js';
import { until } from './until.js';
import { testWorkflowBundle } from './workflow-bundle.js';

/** One deployment per scripted engine; its target is called like the deployment. */
export const SCHEMA = { public: { 'orders.sql': 'CREATE TABLE orders (id bigint);' } };

export interface Stage {
  readonly client: Client;
  /** Of the Temporal server. */
  readonly address: string;
  /** Starts scripted engines for these deployments, one each, and a worker that knows them. */
  scene(deployments: readonly string[], options?: SceneOptions): Promise<Scene>;
}

export interface SceneOptions {
  readonly dialect?: Dialect;
  /** Of single deployments, where it differs. */
  readonly dialects?: Readonly<Record<string, Dialect>>;
  readonly lookup?: boolean;
  /** Default: a worker runs. False: none until `startWorker`. */
  readonly worker?: boolean;
  /** How long the engine clients wait. Default: as in production. */
  readonly patience?: Partial<Patience>;
  /** Deployments that the worker's configuration does not name, until `makeKnown`. Default none. */
  readonly unknown?: readonly string[];
  /** One engine serves all targets, so that a call with another operation's id would be answered. Default: one each. */
  readonly oneEngine?: boolean;
  /** Default: a name of its own for every scene. */
  readonly database?: string;
}

export interface Scene {
  readonly client: Client;
  /** A name of its own for every scene, used as the database, so that target ids never meet. */
  readonly database: string;
  /** Of the engines, as a worker's configuration holds them. */
  readonly addresses: Readonly<Record<string, EngineConfiguration>>;
  engine(deployment: string): ScriptedEngine;
  /** The workflow of an operation. */
  operation(deployment: string): WorkflowHandle<typeof operation>;
  input(options?: InputOptions): Promise<ApplyInput>;
  start(input: ApplyInput, applyId?: string): Promise<WorkflowHandleWithFirstExecutionRunId<typeof apply>>;
  startWorker(mode?: WorkerMode): Promise<void>;
  stopWorker(): Promise<void>;
  /** The worker gets a configuration that names every deployment. */
  makeKnown(): void;
}

export interface InputOptions {
  readonly deployments?: readonly string[];
  readonly rollout?: Partial<RolloutSpec>;
  readonly verify?: boolean;
  readonly pollIntervalMs?: number | null;
  /** Default `SCHEMA`. */
  readonly schemaFiles?: SchemaFiles;
}

export interface StageOptions {
  /** Default: those of production, but for the heartbeats, which are quick, so that nobody waits to see them. */
  readonly timings?: Partial<Timings>;
  /** Default: the real development server. Called once the runtime is installed. */
  readonly server?: () => Promise<StageServer>;
}

/** Where the workflows of a stage live. Whoever makes it closes it after the last test. */
export interface StageServer {
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly address: string;
}

let scenes = 0;

async function realServer(): Promise<StageServer> {
  const { address } = await testTemporalServer();
  const clientConnection = await Connection.connect({ address });
  const connection = await NativeConnection.connect({ address });
  afterAll(async () => {
    await connection.close();
    await clientConnection.close();
  });
  return { client: new Client({ connection: clientConnection }), connection, address };
}

/** A Temporal server, the workflow bundle and a worker for one test file. Call at the top of the file. */
export async function openStage(options: StageOptions = {}): Promise<Stage> {
  installQuietRuntime();
  const [server, code] = await Promise.all([(options.server ?? realServer)(), testWorkflowBundle()]);
  const { client } = server;
  const worker = new StageWorker({
    connection: server.connection,
    client,
    code,
    timings: { beatMs: 50, ...options.timings },
  });
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });
  afterAll(() => worker.stop());
  return {
    client,
    address: server.address,
    scene: async (deployments, sceneOptions = {}) => {
      scenes += 1;
      const { scene, close } = await openScene({
        database: sceneOptions.database ?? `db${process.pid}-${scenes}`,
        deployments,
        options: sceneOptions,
        client,
        worker,
      });
      closers.push(close);
      if (sceneOptions.worker === false) await worker.stop();
      else await worker.start();
      return scene;
    },
  };
}

async function openScene(params: {
  readonly database: string;
  readonly deployments: readonly string[];
  readonly options: SceneOptions;
  readonly client: Client;
  readonly worker: StageWorker;
}): Promise<{ readonly scene: Scene; readonly close: () => Promise<void> }> {
  const { database, deployments, options, client, worker } = params;
  const { dialect, lookup, patience, unknown = [] } = options;
  const engines = new Map<string, ScriptedEngine>();
  const settings = { ...(dialect === undefined ? {} : { dialect }), ...(lookup === undefined ? {} : { lookup }) };
  const own = (name: string) => {
    const different = options.dialects?.[name];
    return different === undefined ? {} : { dialect: different };
  };
  const shared = options.oneEngine === true ? await startScriptedEngine({ targets: deployments, ...settings }) : null;
  for (const name of deployments)
    engines.set(name, shared ?? (await startScriptedEngine({ targets: [name], name, ...settings, ...own(name) })));
  const addresses = Object.fromEntries([...engines].map(([name, { address }]) => [name, { address }]));
  let ports: { close(): void } = { close: () => undefined };
  const know = (names: readonly string[]) => {
    ports.close();
    const known = Object.entries(addresses).filter(([name]) => names.includes(name));
    const created = createEngines(Object.fromEntries(known), patience);
    worker.engines.add(database, created);
    ports = created;
  };
  know(deployments.filter((name) => !unknown.includes(name)));
  const started: WorkflowHandle<typeof apply>[] = [];
  const engine = (name: string) => {
    const found = engines.get(name);
    if (found === undefined) throw new Error(`no engine for ${name}`);
    return found;
  };
  const scene: Scene = {
    client,
    database,
    addresses,
    engine,
    startWorker: (mode) => worker.start(mode),
    stopWorker: () => worker.stop(),
    makeKnown: () => know(deployments),
    operation: (deployment) => client.workflow.getHandle(`test/${database}/${deployment}/${deployment}`),
    input: (inputOptions = {}) =>
      buildInput({ database, deployments: inputOptions.deployments ?? deployments, addresses, ...inputOptions }),
    start: async (input, applyId = `apply-${database}`) => {
      const handle = await client.workflow.start<typeof apply>('apply', {
        workflowId: applyId,
        taskQueue: 'skein',
        args: [input],
        memo: { [MEMO_APPLY]: applyId, [MEMO_SPEC_DIGEST]: input.specDigest },
        workflowIdConflictPolicy: 'FAIL',
      });
      started.push(handle);
      return handle;
    },
  };
  const close = async () => {
    for (const handle of started) await endRun(scene, handle, deployments);
    worker.engines.remove(database);
    ports.close();
    await Promise.all([...new Set(engines.values())].map((running) => running.stop()));
  };
  return { scene, close };
}

/** Ends what a test left running, so that it is in no later test's way. */
async function endRun(
  scene: Scene,
  handle: WorkflowHandle<typeof apply>,
  deployments: readonly string[],
): Promise<void> {
  const wasOpen = await terminate(scene.client.workflow.getHandle(handle.workflowId));
  if (wasOpen) await Promise.all(deployments.map((name) => terminate(scene.operation(name))));
}

async function terminate(handle: WorkflowHandle): Promise<boolean> {
  try {
    await handle.terminate('its test has ended');
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Plans on every engine, as the plan workflow does, and builds the input of an apply. */
async function buildInput(
  params: InputOptions & {
    readonly database: string;
    readonly deployments: readonly string[];
    readonly addresses: Readonly<Record<string, { readonly address: string }>>;
  },
): Promise<ApplyInput> {
  const { database, schemaFiles = SCHEMA } = params;
  const engines = createEngines(params.addresses);
  const plans = [];
  for (const deployment of params.deployments) {
    const plan = await engines
      .engineFor(deployment)
      .plan({ database, type: 'postgres', environment: 'test', target: deployment, schemaFiles });
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
      rollout: {
        maxConcurrency: 1,
        onFailure: 'halt',
        failureTolerance: 0,
        cutover: 'rolling',
        inFlight: 'finish',
        waves: [],
        ...params.rollout,
      },
      verify: params.verify ?? true,
      pollIntervalMs: params.pollIntervalMs ?? null,
    },
    specDigest: createHash('sha256').update(JSON.stringify(params)).digest('hex'),
    plan: {
      schemaFiles,
      classes,
      deployments: plans.map(({ deployment, planId, digest }) => ({ deployment, planId, digest })),
    },
    allowUnsafe: false,
    allowDrift: false,
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
