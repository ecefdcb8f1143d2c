import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OperationStatus, SkeinClient, readSpecFile } from '../../client/index.js';
import { query } from '../../dev/demo/database.js';
import { writeRolloutFiles } from '../../dev/rollout-files.js';
import { type Stack, startStack } from '../../dev/stack.js';
import { summary } from './theatre.js';

const TABLE = 'CREATE TABLE customers (id bigint PRIMARY KEY);';
const DESIRED = `
  CREATE TABLE customers (id bigint PRIMARY KEY, note text);
  CREATE TABLE fresh (id bigint PRIMARY KEY, k text);`;

/** What a trigger of the database does to the change in the very transaction that makes it, so that no engine sees it fail. */
const UNDONE_BY_TRIGGER = {
  faithful: 'PERFORM 1',
  dropped: 'ALTER TABLE customers DROP COLUMN note',
  altered: 'ALTER TABLE customers ALTER note SET STATISTICS 7',
  unlogged: 'ALTER TABLE fresh SET UNLOGGED',
  options: 'ALTER TABLE customers SET (toast.autovacuum_enabled = off)',
  foreign: 'ALTER TABLE customers ADD COLUMN hand integer',
} as const;

type Deployment = keyof typeof UNDONE_BY_TRIGGER;
const DEPLOYMENTS = Object.keys(UNDONE_BY_TRIGGER) as Deployment[]; // keys of the table above

function trigger(statement: string): string {
  return `
    CREATE SCHEMA sabotage;
    CREATE FUNCTION sabotage.run() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF to_regclass('public.fresh') IS NOT NULL AND current_setting('sabotage.done', true) IS DISTINCT FROM 'yes'
         AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'public.customers'::regclass AND attname = 'note') THEN
        PERFORM set_config('sabotage.done', 'yes', false);
        ${statement};
      END IF;
    END $$;
    CREATE EVENT TRIGGER sabotage ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE')
      EXECUTE FUNCTION sabotage.run();`;
}

let stack: Stack;
let connection: Connection;
let client: SkeinClient;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-verified-'));
  stack = await startStack({ deployments: DEPLOYMENTS.map((name) => ({ name, target: `customers_${name}` })) });
  connection = await Connection.connect({ address: stack.temporal.address });
  client = new SkeinClient(new Client({ connection }), { caller: 'tester', address: stack.temporal.address });
  for (const name of DEPLOYMENTS) {
    const { dsn } = stack.deployment(name);
    await query(dsn, TABLE);
    await query(dsn, trigger(UNDONE_BY_TRIGGER[name]));
  }
});

afterAll(async () => {
  await connection.close();
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('a completion that the bundled engine reports', () => {
  it('counts only where the change is there: each kind of a false one is caught, and foreign changes fail nothing', async () => {
    const files = await writeRolloutFiles({
      folder: join(folder, 'rollout'),
      database: 'customers',
      deployments: DEPLOYMENTS.map((name) => ({ name, target: `customers_${name}` })),
      rollout: { onFailure: 'continue', maxConcurrency: DEPLOYMENTS.length },
      schema: { 'customers.sql': DESIRED },
    });
    const { apply } = await client.apply(await client.plan(await readSpecFile(files.path)));
    await client.result(apply);
    const status = await client.status(apply);
    expect(summary(status)).toBe(
      'faithful=completed dropped=failed altered=failed unlogged=failed options=failed foreign=completed',
    );
    const operation = (name: Deployment): OperationStatus | undefined =>
      status.operations.find(({ deployment }) => deployment === name);
    const message = (name: Deployment) => operation(name)?.message;
    expect(message('dropped')).toMatch(/reported completed, but .*ADD COLUMN "note" text.* is still missing/);
    expect(message('altered')).toMatch(/note.*statistics target is 7, the files say the default/);
    expect(message('unlogged')).toMatch(/fresh.*still missing/);
    expect(message('options')).toMatch(/toast\.autovacuum_enabled/);
    expect(operation('options')).toMatchObject({ confirmed: false, unverified: true });
    expect(operation('foreign')?.drift).toEqual([expect.stringContaining('"hand"')]);
    expect(operation('faithful')).toMatchObject({ confirmed: true, drift: [] });
  });
});
