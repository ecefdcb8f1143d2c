import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { freePort } from './port.js';
import { commandLineOf } from './process-table.js';
import { makeTemporaryFolder } from './temporary-folder.js';
import { type RunningProcess, startProcess, untilReady } from './process.js';

/** How a development server is run. */
export interface TemporalServerOptions {
  /** The `temporal` program, from `obtainTemporal`. */
  readonly program: string;
  /** Whether the web UI is served as well. Default false. */
  readonly ui?: boolean;
  /** Workflows live in this SQLite file and survive a restart. Default: in memory. */
  readonly databaseFile?: string;
  /** Of the gRPC address on loopback. Default: a free one. */
  readonly port?: number;
  /** Of the web UI on loopback. Default: a free one. */
  readonly uiPort?: number;
  /** How long closed workflows are kept, and so can be resumed and looked at. Default 30. */
  readonly namespaceRetentionDays?: number;
  /** Over ours: the key, and the value as JSON text (a string needs its quotes): `{ 'limit.x': '40' }`. */
  readonly dynamicConfig?: Readonly<Record<string, string>>;
  /** Where its log goes. Default: a temporary folder, removed on stop. */
  readonly folder?: string;
}

export interface TemporalServer {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  /** `http://127.0.0.1:<port>`, or null without a UI. */
  readonly uiAddress: string | null;
  readonly namespace: string;
  readonly process: RunningProcess;
  /** Ends the server. What it keeps in a file is there at the next start. */
  stop(): Promise<void>;
}

const NAMESPACE = 'default';
const RETENTION_DAYS = 30;
const START_DEADLINE_MS = 60_000;
/** Longer than the five seconds that a server has to end after its owner was killed. */
const OTHER_SERVER_DEADLINE_MS = 20_000;
const PORT_ATTEMPTS_MAX = 5;
const NAMESPACE_DEADLINE_MS = 15_000;

/** Each was measured; what it buys is written beside it. */
const DYNAMIC_CONFIG: Readonly<Record<string, string>> = {
  // Tests let a single workflow's clock jump.
  'frontend.WorkflowTimeSkippingEnabled': 'true',
  // A skip costs 25 ms instead of about a second.
  'history.timerProcessorMaxTimeShift': '"10ms"',
  // A skipped activity retry costs 16 ms instead of 210.
  'history.timerProcessorMaxPollRPS': '1000',
  // Every hop of a lone workflow waited up to 50 ms: 45 ms per deployment in sequence instead of 307.
  'history.transferProcessorMaxPollRPS': '1000',
  // A parent with many children spent 40 % of its time in lock time-outs.
  'history.cacheNonUserContextLockTimeout': '"10s"',
};

/** Starts the server; resolves when it answers calls and its namespace exists with the retention asked for. */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const folder = options.folder ?? (await makeTemporaryFolder(tmpdir(), 'skein-temporal'));
  const isTemporary = options.folder === undefined;
  try {
    if (options.databaseFile !== undefined) await untilFree(options.databaseFile);
    const { server, port, uiPort } = await launch(options, folder);
    if (options.databaseFile !== undefined) await writeFile(`${options.databaseFile}.pid`, String(server.pid));
    const address = `127.0.0.1:${port}`;
    return {
      address,
      uiAddress: uiPort === null ? null : `http://127.0.0.1:${uiPort}`,
      namespace: NAMESPACE,
      process: server,
      stop: async () => {
        await server.stop();
        if (isTemporary) await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    if (isTemporary) await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Waits for the server that used this file before, if it still runs: its owner was killed a moment ago, and two servers
 * on one file would spoil it.
 */
async function untilFree(databaseFile: string): Promise<void> {
  const deadline = Date.now() + OTHER_SERVER_DEADLINE_MS;
  for (;;) {
    const pid = Number.parseInt(await readFile(`${databaseFile}.pid`, 'utf8').catch(() => ''), 10);
    const found = Number.isInteger(pid) ? await commandLineOf(pid) : null;
    if (found?.includes(databaseFile) !== true) return;
    if (Date.now() > deadline) {
      throw new Error(
        `Another Temporal server (process ${pid}) uses ${databaseFile}; end it, or choose another folder`,
      );
    }
    await delay(50);
  }
}

interface Launched {
  readonly server: RunningProcess;
  readonly port: number;
  readonly uiPort: number | null;
}

async function launch(options: TemporalServerOptions, folder: string): Promise<Launched> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const uiPort = options.ui === true ? (options.uiPort ?? (await freePort())) : null;
    const server = await startProcess({
      name: 'Temporal server',
      command: options.program,
      arguments: commandLine(options, port, uiPort),
      logFile: join(folder, 'temporal.log'),
      stopTimeoutMs: 5_000,
    });
    try {
      await untilReady(server, () => answers(`127.0.0.1:${port}`), {
        deadlineMs: START_DEADLINE_MS,
        waitingFor: 'it to answer calls',
      });
      await setRetention(`127.0.0.1:${port}`, options.namespaceRetentionDays ?? RETENTION_DAYS);
      return { server, port, uiPort };
    } catch (error) {
      await server.stop();
      const isTaken = /address already in use|can't bind|can't set .*port/i.test(server.log());
      if (isTaken && options.port === undefined && attempt < PORT_ATTEMPTS_MAX) continue;
      throw error;
    }
  }
}

function commandLine(options: TemporalServerOptions, port: number, uiPort: number | null): readonly string[] {
  const dynamicConfig = { ...DYNAMIC_CONFIG, ...options.dynamicConfig };
  return [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--log-level',
    'error',
    ...(uiPort === null ? ['--headless'] : ['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)]),
    ...(options.databaseFile === undefined ? [] : ['--db-filename', options.databaseFile]),
    ...Object.entries(dynamicConfig).flatMap(([key, json]) => ['--dynamic-config-value', `${key}=${json}`]),
  ];
}

async function answers(address: string): Promise<true | null> {
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
  try {
    await connection.workflowService.getSystemInfo({});
    await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
    return true;
  } finally {
    await connection.close();
  }
}

/** The development server keeps closed workflows for a day unless told otherwise, and offers no option for it. */
async function setRetention(address: string, days: number): Promise<void> {
  const connection = await Connection.connect({ address });
  const deadline = Date.now() + NAMESPACE_DEADLINE_MS;
  try {
    for (;;) {
      try {
        const workflowExecutionRetentionTtl = durationOfDays(days);
        await connection.workflowService.updateNamespace({
          namespace: NAMESPACE,
          config: { workflowExecutionRetentionTtl },
        });
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await delay(50);
      }
    }
  } finally {
    await connection.close();
  }
}

type Retention = NonNullable<
  NonNullable<
    Parameters<Connection['workflowService']['updateNamespace']>[0]['config']
  >['workflowExecutionRetentionTtl']
>;

/** A protobuf duration; its seconds are a `Long`, which the generated types do not let us write as a number. */
function durationOfDays(days: number): Retention {
  const seconds: unknown = days * 24 * 60 * 60;
  return { seconds } as Retention; // protobufjs takes a number wherever a 64-bit integer stands.
}
