import { chmod, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { DEFAULT_QUEUE } from '../domain/ids.js';
import { Closing } from './closing.js';
import type { Report } from './obtain.js';
import { type EmbeddedPostgres, type PostgresOptions, startPostgres } from './postgres.js';
import { makeFolderFor, serverUser } from './postgres-user.js';
import type { Restartable } from './restartable.js';
import { engineProcess, workerProcess } from './stack-processes.js';
import { makeTemporaryFolder } from './temporary-folder.js';
import { obtainTemporal } from './temporal-binary.js';
import { startTemporalServer, type TemporalServer, type TemporalServerOptions } from './temporal-server.js';

/**
 * The whole product on this machine: an embedded PostgreSQL with one database per deployment, one bundled engine process
 * per deployment, a Temporal development server and one worker process, all on loopback and tied to our life.
 */
export interface StackOptions {
  /** In rollout order. A deployment's database is named as its target. */
  readonly deployments: readonly { readonly name: string; readonly target: string }[];
  /** The queues the worker serves. Default: `skein` alone. */
  readonly queues?: readonly string[];
  /**
   * Keeps everything (databases, workflows, logs) in these folders over stop and start. Default: temporary ones, removed
   * on stop. They are two because PostgreSQL of a root user must lie where another user can enter.
   */
  readonly keepIn?: { readonly folder: string; readonly postgresFolder: string };
  /** Web UI of the Temporal server. Default false. */
  readonly ui?: boolean;
  readonly temporal?: Pick<TemporalServerOptions, 'port' | 'uiPort' | 'dynamicConfig'>;
  readonly postgres?: Pick<PostgresOptions, 'settings'>;
  /** Runs once PostgreSQL is up and before the databases are made: a database it makes itself is used as it is. */
  readonly prepare?: (postgres: EmbeddedPostgres) => Promise<void>;
  /** Whether the worker is started. Default true; without it, what needs one can be looked at. */
  readonly worker?: boolean;
  /** Says what is being done. Default: silent. */
  readonly report?: Report;
  /** Whatever is started is entered here as it is started, so that an interrupt can end it. Default: one of its own. */
  readonly closing?: Closing;
}

export interface StackDeployment {
  readonly name: string;
  readonly target: string;
  /** Connection string of its database. */
  readonly dsn: string;
  /** Of its engine: `127.0.0.1:<port>`; the same after a restart. */
  readonly address: string;
  readonly engine: Restartable;
}

export interface Stack {
  /** Holds the logs and the worker's configuration. */
  readonly folder: string;
  readonly configFile: string;
  readonly postgres: EmbeddedPostgres;
  readonly temporal: TemporalServer;
  readonly deployments: readonly StackDeployment[];
  readonly worker: Restartable;
  /** For a `skein` or `temporal` command: our environment and what leads it to this stack. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The deployment of this name; throws for another. */
  deployment(name: string): StackDeployment;
  stop(): Promise<void>;
}

/** Starts everything and resolves when all of it is ready. What was started before a failure is ended again. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const closing = options.closing ?? new Closing();
  try {
    return await assemble(options, closing);
  } catch (error) {
    await closing.run();
    throw error;
  }
}

async function assemble(options: StackOptions, closing: Closing): Promise<Stack> {
  const report = options.report ?? (() => undefined);
  const folder = await makeFolder(options, closing);
  const program = await obtainTemporal(report);
  report('starting PostgreSQL and the Temporal server');
  const [postgres, temporal] = await both(
    startDatabases(options, closing),
    startTemporal({ options, program, folder, closing }),
  );
  report(`starting ${options.deployments.length} engines and a worker`);
  const deployments = await Promise.all(
    options.deployments.map((deployment) => makeDeployment(deployment, { postgres, folder, closing })),
  );
  const configFile = join(folder, 'skein.yaml');
  const queues = options.queues ?? [DEFAULT_QUEUE];
  await writeFile(configFile, workerConfiguration(deployments, queues));
  const worker = workerProcess({
    name: 'worker',
    configFile,
    folder,
    temporalAddress: temporal.address,
    namespace: temporal.namespace,
    queues,
  });
  closing.add(worker.name, () => worker.stop());
  await all([
    ...deployments.map(({ engine }) => engine.start()),
    ...(options.worker === false ? [] : [worker.start()]),
  ]);
  return {
    folder,
    configFile,
    postgres,
    temporal,
    deployments,
    worker,
    environment: {
      ...process.env,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      SKEIN_CONFIG: configFile,
    },
    deployment: (name) => {
      const found = deployments.find((each) => each.name === name);
      if (found !== undefined) return found;
      throw new Error(`no deployment ${name} in this stack; it has ${deployments.map((each) => each.name).join(', ')}`);
    },
    stop: () => closing.run(),
  };
}

async function makeFolder(options: StackOptions, closing: Closing): Promise<string> {
  if (options.keepIn !== undefined) {
    return makeFolderFor(serverUser(), options.keepIn.folder);
  }
  const folder = await makeTemporaryFolder(tmpdir(), 'skein-stack');
  await chmod(folder, 0o755);
  closing.add('the stack folder', () => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function startDatabases(options: StackOptions, closing: Closing): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres({
    ...options.postgres,
    ...(options.keepIn === undefined ? {} : { dataDir: options.keepIn.postgresFolder, adopt: false }),
  });
  closing.add('PostgreSQL', () => postgres.stop());
  await options.prepare?.(postgres);
  return postgres;
}

async function startTemporal(params: {
  readonly options: StackOptions;
  readonly program: string;
  readonly folder: string;
  readonly closing: Closing;
}): Promise<TemporalServer> {
  const { options, program, folder, closing } = params;
  const temporal = await startTemporalServer({
    ...options.temporal,
    program,
    folder,
    ui: options.ui ?? false,
    ...(options.keepIn === undefined ? {} : { databaseFile: join(folder, 'temporal.db') }),
  });
  closing.add('the Temporal server', async () => {
    // In memory there is nothing to save, and an orderly end takes a second.
    if (options.keepIn === undefined) temporal.process.kill('SIGKILL');
    await temporal.stop();
  });
  return temporal;
}

async function makeDeployment(
  { name, target }: { readonly name: string; readonly target: string },
  context: { readonly postgres: EmbeddedPostgres; readonly folder: string; readonly closing: Closing },
): Promise<StackDeployment> {
  const dsn = await context.postgres.createDatabase(target);
  const { process: engine, address } = await engineProcess({ deployment: name, target, dsn, folder: context.folder });
  context.closing.add(engine.name, () => engine.stop());
  return { name, target, dsn, address, engine };
}

function workerConfiguration(deployments: readonly StackDeployment[], queues: readonly string[]): string {
  const addresses = Object.fromEntries(deployments.map(({ name, address }) => [name, { address }]));
  return stringify({ deployments: addresses, queues });
}

/** Like `Promise.all`, but settles only when all have settled, so that nothing is still starting while others are ended. */
async function all(starting: readonly Promise<unknown>[]): Promise<void> {
  const settled = await Promise.allSettled(starting);
  const failures = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('\n'));
}

async function both<First, Second>(first: Promise<First>, second: Promise<Second>): Promise<readonly [First, Second]> {
  await all([first, second]);
  return [await first, await second];
}
