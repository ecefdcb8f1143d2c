import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { withLock } from './lock.js';
import { freePort } from './port.js';
import { majorOf, type PostgresBinaries, providePostgresBinaries } from './postgres-binaries.js';
import {
  type Cluster,
  cleanEnvironment,
  initialise,
  makeClusterFolder,
  readPidFile,
  SUPERUSER,
} from './postgres-cluster.js';
import { makeFolderFor, memoryFolder, postgresFolder, serverUser } from './postgres-user.js';
import { commandLineOf, isAlive } from './process-table.js';
import { type RunningProcess, startProcess, untilReady } from './process.js';

/**
 * The embedded PostgreSQL: a real server on loopback, with a password of its own, that ends when we end. Nothing has to
 * be installed; the programs come with the npm packages.
 */
export interface PostgresOptions {
  /**
   * The cluster's folder, made and initialised if need be and kept on stop. Default: a temporary one, removed on stop
   * (or, after a crash, by a later start).
   */
  readonly dataDir?: string;
  /** Whether a server that runs on the folder already is used as it is. Default true; false waits for its end. */
  readonly adopt?: boolean;
  /** Server settings, over ours: `{ max_connections: '200' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Keeps a temporary cluster in memory where the machine has room for it: making a database is then ten times as fast. */
  readonly inMemory?: boolean;
  /** Other programs of PostgreSQL 14 or newer than the embedded ones, such as those of `findPostgresPrograms`. */
  readonly programs?: PostgresBinaries;
}

export interface EmbeddedPostgres {
  readonly port: number;
  /** Of the server: `<dataDir>` holds `data/`, `password` and `server.log`. */
  readonly dataDir: string;
  /** True when another process owns the server; then `stop` leaves it alone. */
  readonly adopted: boolean;
  /** The server's process, or null when adopted. */
  readonly process: RunningProcess | null;
  /** Connection string of a superuser, on loopback. Default database: `postgres`. */
  dsn(database?: string): string;
  /** Makes an empty database unless it exists, and gives its connection string. */
  createDatabase(name: string): Promise<string>;
  /** Ends the server (clients are disconnected, nothing committed is lost) and removes a temporary cluster. */
  stop(): Promise<void>;
}

const START_DEADLINE_MS = 60_000;
const LOCK_DEADLINE_MS = 120_000;
/** Longer than the five seconds that a server has to end after its owner was killed. */
const OTHER_SERVER_DEADLINE_MS = 20_000;
const PORT_ATTEMPTS_MAX = 5;

/** Small, so that several clusters fit on a laptop; a dead client's statement ends within a second. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '32MB',
  max_connections: '100',
  client_connection_check_interval: '1s',
  timezone: 'UTC',
  log_timezone: 'UTC',
};
/** No helper processes for reading; the setting came with 18. */
const SETTINGS_SINCE_18: Readonly<Record<string, string>> = { io_method: 'sync' };
/** A temporary cluster never has to survive a power failure. It still survives kill -9, which loses no written page. */
const TEMPORARY_SETTINGS: Readonly<Record<string, string>> = { fsync: 'off', full_page_writes: 'off' };

/** Starts the server, or adopts the one that runs on this folder, and resolves when it accepts connections. */
export async function startPostgres(options: PostgresOptions = {}): Promise<EmbeddedPostgres> {
  const user = serverUser();
  const shared = makeFolderFor(user, postgresFolder(user));
  const binaries = options.programs ?? (await providePostgresBinaries(shared));
  const isTemporary = options.dataDir === undefined;
  const folder =
    options.dataDir === undefined
      ? await makeClusterFolder(user, join((options.inMemory === true ? memoryFolder() : null) ?? shared, 'clusters'))
      : makeFolderFor(user, options.dataDir);
  const settings = {
    ...SETTINGS,
    ...(majorOf(binaries) >= 18 ? SETTINGS_SINCE_18 : {}),
    ...(isTemporary ? TEMPORARY_SETTINGS : {}),
    ...options.settings,
  };
  const cluster: Cluster = { folder, dataFolder: join(folder, 'data'), user, binaries, settings };
  try {
    return await withLock(join(folder, 'start.lock'), { deadlineMs: LOCK_DEADLINE_MS }, async () => {
      const password = await initialise(cluster);
      const running = await findRunning(cluster, password, options.adopt ?? true);
      if (running !== null) return describe({ cluster, password, port: running, process: null, isTemporary });
      const { server, port } = await launch(cluster);
      return describe({ cluster, password, port, process: server, isTemporary });
    });
  } catch (error) {
    if (isTemporary) await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The port of a live server on this folder that takes our password; null when there is none (any more). One that starts
 * or stops is waited for, and where none may be adopted, one that serves as well: its owner was killed a moment ago.
 */
async function findRunning(cluster: Cluster, password: string, adopt: boolean): Promise<number | null> {
  const deadline = Date.now() + OTHER_SERVER_DEADLINE_MS;
  for (;;) {
    const found = await readPidFile(cluster.dataFolder);
    if (found === null || !isAlive(found.pid)) return null;
    if (adopt && found.isReady && (await servesFolder(cluster, password, found.port))) return found.port;
    if (!(await isPostgres(found.pid))) {
      // A killed server's id has gone to another program, and PostgreSQL would refuse to start because of it.
      await rm(join(cluster.dataFolder, 'postmaster.pid'), { force: true });
      return null;
    }
    if (Date.now() > deadline) {
      throw new Error(
        `A PostgreSQL server (process ${found.pid}) holds ${cluster.dataFolder} and has neither become ready for us nor ended within ` +
          `${OTHER_SERVER_DEADLINE_MS / 1000} s. End that process, or choose another folder.`,
      );
    }
    await delay(50);
  }
}

async function servesFolder(cluster: Cluster, password: string, port: number): Promise<boolean> {
  const client = new Client({ connectionString: connectionString(password, port, 'postgres') });
  try {
    await client.connect();
    const answer = await client.query<{ folder: string }>("select current_setting('data_directory') as folder");
    return resolve(answer.rows[0]?.folder ?? '') === resolve(cluster.dataFolder);
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Whether a process is a PostgreSQL server. Where that cannot be told, yes: the careful answer. */
async function isPostgres(pid: number): Promise<boolean> {
  const commandLine = await commandLineOf(pid);
  return commandLine === null ? isAlive(pid) : commandLine.includes('postgres');
}

async function launch(cluster: Cluster): Promise<{ server: RunningProcess; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const server = await startProcess({
      name: 'PostgreSQL',
      command: cluster.binaries.postgres,
      arguments: [
        '-D',
        cluster.dataFolder,
        '-p',
        String(port),
        ...Object.entries(cluster.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      logFile: join(cluster.folder, 'server.log'),
      environment: cleanEnvironment(),
      folder: cluster.folder,
      stopSignal: 'SIGINT',
      ...(cluster.user === null ? {} : { user: cluster.user }),
    });
    try {
      await untilReady(server, () => isReady(cluster, server), {
        deadlineMs: START_DEADLINE_MS,
        waitingFor: 'the server to accept connections',
      });
      return { server, port };
    } catch (error) {
      await server.stop();
      // Somebody took the port between our look and the server's.
      if (attempt < PORT_ATTEMPTS_MAX && /Address already in use|could not bind/.test(server.log())) continue;
      throw error;
    }
  }
}

/** A stale file may say "ready" as well, so it must be the file of this very process. */
async function isReady(cluster: Cluster, server: RunningProcess): Promise<true | null> {
  const found = await readPidFile(cluster.dataFolder);
  const isOurs = process.platform === 'win32' || found?.pid === server.pid;
  return found !== null && isOurs && found.isReady ? true : null;
}

function connectionString(password: string, port: number, database: string): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

interface Parts {
  readonly cluster: Cluster;
  readonly password: string;
  readonly port: number;
  readonly process: RunningProcess | null;
  readonly isTemporary: boolean;
}

function describe({ cluster, password, port, process: server, isTemporary }: Parts): EmbeddedPostgres {
  const dsn = (database = 'postgres') => connectionString(password, port, database);
  return {
    port,
    dataDir: cluster.folder,
    adopted: server === null,
    process: server,
    dsn,
    createDatabase: async (name) => {
      await createDatabase(dsn(), name);
      return dsn(name);
    },
    stop: async () => {
      await server?.stop();
      if (isTemporary) await rm(cluster.folder, { recursive: true, force: true });
    },
  };
}

async function createDatabase(dsn: string, name: string): Promise<void> {
  const client = new Client({ connectionString: dsn });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
