import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, type LogLevel, NativeConnection, Runtime } from '@temporalio/worker';
import { pino } from 'pino';
import { createEngines } from '../tern/engines.js';
import { EngineConfigurationInvalid } from '../tern/engines.js';
import { WORKFLOW_BUNDLE_PATH } from './bundle.js';
import { WorkerConfigInvalid, readWorkerConfig } from './config.js';
import { SkeinWorker } from './worker.js';

export interface WorkerProcessOptions {
  /** The configuration file. Default: `SKEIN_CONFIG`, then `skein.yaml` in the current folder. */
  readonly config?: string;
  /** Profile of the Temporal configuration. Default: as the `temporal` CLI. */
  readonly profile?: string;
}

const EXIT = { unavailable: 69, configuration: 78 } as const;

/**
 * Runs a worker until SIGINT or SIGTERM and returns its exit code. Logs are JSON lines on standard error; the line
 * with `"msg":"ready"` says that it polls. A second signal ends it at once: nothing is lost by that.
 */
export async function runWorker(options: WorkerProcessOptions = {}): Promise<number> {
  const log = pino(
    { name: 'skein-worker', level: process.env['SKEIN_LOG_LEVEL'] ?? 'info' },
    pino.destination({ dest: 2, sync: true }),
  );
  const file = resolve(options.config ?? process.env['SKEIN_CONFIG'] ?? 'skein.yaml');
  try {
    const config = readWorkerConfig(file);
    const engines = createEngines(config.deployments, { deadlinesMs: config.deadlinesMs });
    Runtime.install({ logger: bridge(log), shutdownSignals: [] });
    const { connectionOptions, namespace = 'default' } = loadClientConnectConfig(
      options.profile === undefined ? {} : { profile: options.profile },
    );
    const connection = await NativeConnection.connect(connectionOptions);
    const client = new Client({ connection, namespace, identity: `skein-worker@${hostname()}` });
    if (config.workflows && !existsSync(WORKFLOW_BUNDLE_PATH))
      throw new WorkerConfigInvalid(file, ['the workflow bundle is missing from this build; run: npm run setup']);
    const worker = await SkeinWorker.create({
      connection,
      client,
      namespace,
      engines,
      queues: config.queues,
      workflowBundle: config.workflows ? { codePath: WORKFLOW_BUNDLE_PATH } : null,
    });
    const running = worker.run();
    onSignal(log, () => worker.shutdown());
    log.info(
      { namespace, queues: config.queues, workflows: config.workflows, deployments: Object.keys(config.deployments) },
      'ready',
    );
    await running;
    engines.close();
    await connection.close();
    log.info('stopped; what was going on continues when a worker runs again');
    return 0;
  } catch (error) {
    return explain(log, error);
  }
}

function explain(log: pino.Logger, error: unknown): number {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof WorkerConfigInvalid || error instanceof EngineConfigurationInvalid) {
    log.fatal(message);
    return EXIT.configuration;
  }
  log.fatal(
    { error: message },
    'the Temporal server cannot be used; start one with "skein dev", or point TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE at yours',
  );
  return EXIT.unavailable;
}

function onSignal(log: pino.Logger, shutdown: () => void): void {
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(1);
      asked = true;
      log.info(`${signal}: handing work back; once more ends at once`);
      shutdown();
    });
  }
}

/** The SDK's log lines in our format. */
function bridge(log: pino.Logger): DefaultLogger {
  const level: LogLevel = 'WARN';
  return new DefaultLogger(level, ({ level: entryLevel, message, meta }) => {
    const fields = Object.fromEntries(Object.entries(meta ?? {}).filter(([, value]) => typeof value !== 'bigint'));
    if (entryLevel === 'ERROR') log.error(fields, message);
    else log.warn(fields, message);
  });
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { config: { type: 'string' }, profile: { type: 'string' } } });
  process.exitCode = await runWorker({
    ...(values.config === undefined ? {} : { config: values.config }),
    ...(values.profile === undefined ? {} : { profile: values.profile }),
  });
}
