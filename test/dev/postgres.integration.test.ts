import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startPostgres } from '../../dev/postgres.js';
import { makeFolderFor, postgresFolder, serverUser } from '../../dev/postgres-user.js';
import { isAlive } from '../../dev/process-table.js';

const started: EmbeddedPostgres[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((postgres) => postgres.stop()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

async function start(options: Parameters<typeof startPostgres>[0] = {}): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres(options);
  started.push(postgres);
  return postgres;
}

/** A folder that the server's user can enter, gone after the test. */
async function emptyFolder(): Promise<string> {
  const user = serverUser();
  const folder = await mkdtemp(join(makeFolderFor(user, postgresFolder(user)), 'test-'));
  if (user !== null) await chmod(folder, 0o755);
  folders.push(folder);
  return join(folder, 'cluster');
}

async function query(dsn: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: dsn });
  await client.connect();
  try {
    const answer: { rows: readonly Record<string, unknown>[] } = await client.query(sql);
    return Object.values(answer.rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 15 s: ${what}`);
    await delay(20);
  }
}

describe('the embedded PostgreSQL', () => {
  it('is a PostgreSQL 18 with separate databases, and its folder is gone after stop', async () => {
    const postgres = await start();
    const orders = await postgres.createDatabase('orders_eu');
    const billing = await postgres.createDatabase('Odd "name"');
    await query(orders, 'create table t (id int)');
    expect(await query(postgres.dsn(), 'show server_version_num')).toMatch(/^18/);
    expect(await query(orders, "select count(*)::int from pg_class where relname = 't'")).toBe(1);
    expect(await query(billing, "select count(*)::int from pg_class where relname = 't'")).toBe(0);
    await postgres.stop();
    expect(existsSync(postgres.dataDir)).toBe(false);
    expect(isAlive(postgres.process?.pid ?? 0)).toBe(false);
  });

  it('makes a database once, gives the same connection string the second time, and refuses a wrong password', async () => {
    const postgres = await start();
    const first = await postgres.createDatabase('orders');
    await query(first, 'create table kept (id int)');
    expect(await postgres.createDatabase('orders')).toBe(first);
    expect(await query(first, "select count(*)::int from pg_class where relname = 'kept'")).toBe(1);
    await expect(query(postgres.dsn().replace(/:[0-9a-f]+@/, ':guess@'), 'select 1')).rejects.toThrow(/password/);
  });

  it('keeps a named folder over stop and start', async () => {
    const dataDir = await emptyFolder();
    const first = await start({ dataDir });
    await query(await first.createDatabase('orders'), 'create table kept as select 42 as answer');
    await first.stop();
    const second = await start({ dataDir });
    expect(await query(second.dsn('orders'), 'select answer from kept')).toBe(42);
  });

  it('adopts a live folder instead of starting a second server, and then leaves it running on stop', async () => {
    const dataDir = await emptyFolder();
    const owner = await start({ dataDir });
    const guest = await start({ dataDir });
    expect(guest.adopted).toBe(true);
    expect(guest.port).toBe(owner.port);
    await guest.stop();
    expect(await query(owner.dsn(), 'select 1')).toBe(1);
  });

  it('gives one server to several that start the same new folder at once', async () => {
    const dataDir = await emptyFolder();
    const all = await Promise.all([start({ dataDir }), start({ dataDir }), start({ dataDir })]);
    expect(all.filter((postgres) => !postgres.adopted)).toHaveLength(1);
    expect(new Set(all.map((postgres) => postgres.port)).size).toBe(1);
  });

  it('starts again after kill -9, with what was committed', async () => {
    const dataDir = await emptyFolder();
    const first = await start({ dataDir });
    await query(first.dsn(), 'create table kept as select 42 as answer');
    first.process?.kill('SIGKILL');
    await first.process?.exited;
    const second = await start({ dataDir });
    expect(second.adopted).toBe(false);
    expect(await query(second.dsn(), 'select answer from kept')).toBe(42);
  });

  it('starts although a killed server left a pid file whose id now belongs to another program', async () => {
    const dataDir = await emptyFolder();
    const first = await start({ dataDir });
    const pidFile = join(dataDir, 'data', 'postmaster.pid');
    const lines = (await readFile(pidFile, 'utf8')).split('\n');
    await first.stop();
    await writeFile(pidFile, [String(process.pid), ...lines.slice(1)].join('\n'));
    const second = await start({ dataDir });
    expect(second.adopted).toBe(false);
    expect(await query(second.dsn(), 'select 1')).toBe(1);
  });

  it('refuses a folder with a cluster of unknown origin', async () => {
    const dataDir = await emptyFolder();
    const first = await start({ dataDir });
    await first.stop();
    await rm(join(dataDir, 'password'));
    await expect(startPostgres({ dataDir })).rejects.toThrow(/no password file/);
  });

  it('shows the server log when a setting is refused', async () => {
    await expect(startPostgres({ settings: { max_connections: 'many' } })).rejects.toThrow(
      /max_connections[\s\S]*many/,
    );
  });

  it('ends when the process that started it is killed with -9', async () => {
    const dataDir = await emptyFolder();
    const script = `
      const { startPostgres } = await import(${JSON.stringify(join(process.cwd(), 'dist', 'dev', 'postgres.js'))});
      const postgres = await startPostgres({ dataDir: ${JSON.stringify(dataDir)} });
      console.log(postgres.process.pid);
      setInterval(() => {}, 1000);
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    parent.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    await until(() => printed.includes('\n'), 'the child to start a server');
    const server = Number(printed.trim());
    expect(isAlive(server)).toBe(true);
    parent.kill('SIGKILL');
    await until(() => !isAlive(server), 'the server to end after its starter was killed');
  });
});
