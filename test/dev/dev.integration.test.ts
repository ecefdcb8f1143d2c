import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readIndex } from '../../dev/demo/database.js';
import { makeFolderFor, postgresFolder, serverUser } from '../../dev/postgres-user.js';
import { SkeinClient, readSpecFile } from '../../client/index.js';
import { Client, Connection } from '@temporalio/client';
import { until } from '../support/until.js';
import { type RunningCommand, runCommand } from './command.js';

const user = serverUser();
const folder = await mkdtemp(join(makeFolderFor(user, postgresFolder(user)), 'test-dev-'));
if (user !== null) await chmod(folder, 0o755);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What `skein dev -o json` prints when everything is ready. */
interface Running {
  readonly temporal: string;
  readonly namespace: string;
  readonly ui: string;
  readonly example: string;
  readonly deployments: readonly { readonly name: string; readonly engine: string; readonly dsn: string }[];
}

function runSkeinDev(): RunningCommand {
  return runCommand('client/cli/main.js', 'dev', '--data', folder, '-o', 'json');
}

async function untilReady(command: RunningCommand): Promise<Running> {
  const [, text = ''] = await command.printed(/^(\{"temporal".*\})$/m);
  return JSON.parse(text) as Running; // The test is of this very shape.
}

async function withClient<T>(running: Running, use: (client: SkeinClient) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: running.temporal });
  try {
    return await use(new SkeinClient(new Client({ connection, namespace: running.namespace })));
  } finally {
    await connection.close();
  }
}

describe('skein dev', { timeout: 120_000 }, () => {
  it('runs its example, is alone on its folder, keeps everything over kill -9, and stops cleanly on Ctrl-C', async () => {
    const first = runSkeinDev();
    const running = await untilReady(first);
    expect(running.deployments.map(({ name }) => name)).toEqual(['eu', 'us']);
    expect((await fetch(running.ui)).status).toBe(200);

    const refused = runSkeinDev();
    expect(await refused.ended()).toBe(69);
    expect(refused.output()).toContain(`as process ${first.child.pid}`);

    const before = await withClient(running, async (client) => {
      const plan = await client.plan(await readSpecFile(running.example));
      await client.apply(plan, { id: 'from-the-example' });
      return client.result('from-the-example');
    });
    expect(before?.state).toBe('completed');
    await writeFile(running.example, '# changed by a person\n');
    first.child.kill('SIGKILL');
    await first.ended();

    const second = runSkeinDev();
    const again = await untilReady(second);
    const after = await withClient(again, (client) => client.status('from-the-example'));
    expect(after).toMatchObject({ state: 'completed', completedAt: before?.completedAt });
    const index = await readIndex(again.deployments[0]?.dsn ?? '', 'orders_customer_id_idx');
    expect(index).toMatchObject({ isValid: true });
    expect(await readFile(again.example, 'utf8')).toBe('# changed by a person\n');

    second.child.kill('SIGINT');
    expect(await second.ended()).toBe(0);
    await until(() => [...first.leftovers(), ...second.leftovers()].length === 0);
  });
});
