import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningEngine, startEngine } from '../../engine/server.js';
import type { TableChange } from '../../proto/gen/tern.js';
import { testPostgres } from '../support/postgres.js';
import { type Files, RawClient } from './raw-client.js';
import { DEVIATIONS } from './signature-deviations.js';

let engine: RunningEngine;
let client: RawClient;
let admin: Client;

/** Every row has a namespace of its own, so that all of them are one database and one comparison. */
const namespaceOf = (position: number) => `d${position}`;
const FILES: Files = Object.fromEntries(
  DEVIATIONS.map(({ files }, position) => [namespaceOf(position), { 'all.sql': files }]),
);

beforeAll(async () => {
  const postgres = await testPostgres();
  const dsn = await postgres.createDatabase('deviations');
  admin = new Client({ connectionString: dsn });
  await admin.connect();
  await admin.query('CREATE ROLE reader');
  engine = await startEngine({ listen: '127.0.0.1:0', targets: { orders: dsn } });
  client = new RawClient(engine.address);
});

afterAll(async () => {
  client.close();
  await engine.stop();
  await admin.end();
});

async function inNamespace(position: number, statements: string): Promise<void> {
  await admin.query(`SET search_path = ${namespaceOf(position)}, public`);
  await admin.query(statements).catch((error: unknown) => {
    throw new Error(`${DEVIATIONS[position]?.name}: ${String(error)}`, { cause: error });
  });
}

async function differences(): Promise<ReadonlyMap<string, readonly TableChange[]>> {
  const answer = await client.planDiff('orders', FILES);
  expect(answer.errors).toEqual([]);
  return new Map(answer.changes.map(({ namespace, tableChanges }) => [namespace, tableChanges]));
}

/** What a deviation shows as: the texts of its differences. */
function told(changes: readonly TableChange[] | undefined): string {
  return (changes ?? []).map(({ ddl }) => ddl).join('\n');
}

describe('a database against its files', () => {
  it('has no difference when the files were run there, and one for everything that is not as they say', async () => {
    for (const [position, { files }] of DEVIATIONS.entries()) {
      await admin.query(`CREATE SCHEMA ${namespaceOf(position)}`);
      await inNamespace(position, files);
    }
    const before = await differences();
    const untrue = DEVIATIONS.map(({ name }, position) => [name, told(before.get(namespaceOf(position)))]);
    expect(untrue.filter(([, text]) => text !== '')).toEqual([]);

    for (const [position, { deviation }] of DEVIATIONS.entries()) await inNamespace(position, deviation);
    const after = await differences();
    const silent = DEVIATIONS.flatMap(({ name, says }, position) => {
      const text = told(after.get(namespaceOf(position)));
      return says.test(text) ? [] : [{ name, says, text }];
    });
    expect(silent).toEqual([]);
    // What no statement is planned for has no effect, is refused whatever the options, and says why.
    const unplanned = [...after.values()].flat().filter(({ ddl }) => ddl.startsWith('-- '));
    expect(unplanned.length).toBeGreaterThan(20);
    for (const { ddl, executionMode, modeReason } of unplanned) {
      expect(ddl).not.toContain('\n');
      expect(executionMode, ddl).toBe('blocked');
      expect(modeReason, ddl).toMatch(/no statement for this difference/);
    }
    // Plan says the same (E13), and Apply refuses it.
    const plan = await client.plan('orders', FILES);
    expect(plan.changes.flatMap(({ tableChanges }) => tableChanges.map(({ ddl }) => ddl)).toSorted()).toEqual(
      [...after.values()].flatMap((changes) => changes.map(({ ddl }) => ddl)).toSorted(),
    );
    const refused = await client.apply({
      planId: plan.planId,
      target: 'orders',
      options: { allow_unsafe: 'true' },
    });
    expect(refused).toMatchObject({ accepted: false, errorMessage: expect.stringContaining('blocked') });
  });
});
