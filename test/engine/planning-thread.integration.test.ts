import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedPostgres } from '../../dev/postgres.js';
import { PlanningThread } from '../../engine/postgres/planning/planning-thread.js';
import { type RunningEngine, startEngine } from '../../engine/server.js';
import { State } from '../../proto/gen/tern.js';
import { testPostgres } from '../support/postgres.js';
import { ENDED, type Files, RawClient, statusOf } from './raw-client.js';

const TABLES = 1_000;
/** A plan of 1,000 tables takes seconds, and this machine may have other things to do. */
const DEADLINE_MS = 240_000;
const LIMIT = { timeout: 2 * DEADLINE_MS };

function manyTables(count: number): Files {
  const texts = Array.from(
    { length: count },
    (_, n) => `CREATE TABLE t${n} (id bigint PRIMARY KEY, name text); CREATE INDEX t${n}_name ON t${n} (name);`,
  );
  return { public: { 'tables.sql': texts.join('\n') } };
}

let postgres: EmbeddedPostgres;
let engine: RunningEngine;
let client: RawClient;
let dsn: string;

beforeAll(async () => {
  postgres = await testPostgres();
  dsn = await postgres.createDatabase('wide');
  const busy = await postgres.createDatabase('busy');
  engine = await startEngine({ listen: '127.0.0.1:0', targets: { wide: dsn, busy } });
  client = new RawClient(engine.address, DEADLINE_MS);
});

afterAll(async () => {
  client.close();
  await engine.stop();
});

describe('while 1,000 new tables are planned', LIMIT, () => {
  it('the engine answers all the time, for that target and for others, and a stop takes effect', async () => {
    const admin = new Client({ connectionString: postgres.dsn('busy') });
    await admin.connect();
    await admin.query('CREATE TABLE items (name text)');
    const files = {
      public: { 'items.sql': 'CREATE TABLE items (name text); CREATE INDEX items_name ON items (name);' },
    };
    const held = await client.plan('busy', files);
    // An open snapshot: the index build cannot end before it is gone.
    const reader = new Client({ connectionString: postgres.dsn('busy') });
    await reader.connect();
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
    const { applyId } = await client.apply({ planId: held.planId, target: 'busy' });

    // The desired schema is loaded once; what follows is the comparison, which used to hold the engine.
    const wide = manyTables(TABLES);
    expect((await client.plan('wide', wide)).errors).toEqual([]);
    const startedAtMs = performance.now();
    const plan = { isUnderWay: true };
    const planned = client.planDiff('wide', wide).finally(() => {
      plan.isUnderWay = false;
    });
    const answersAtMs = [startedAtMs];
    let stopped: boolean | null = null;
    while (plan.isUnderWay) {
      await Promise.all([client.health(), client.progress(applyId)]);
      answersAtMs.push(performance.now());
      if (stopped === null && answersAtMs.length > 5)
        stopped = (await client.stop(applyId)).accepted && plan.isUnderWay;
    }
    const changes = (await planned).changes.flatMap((change) => change.tableChanges);
    expect(changes).toHaveLength(2 * TABLES);
    expect(stopped).toBe(true);
    const gapsMs = answersAtMs.slice(1).map((atMs, position) => atMs - (answersAtMs[position] ?? 0));
    // Held for the comparison, as it used to be, the engine would be silent for most of the time that the plan takes.
    expect(Math.max(...gapsMs)).toBeLessThan((performance.now() - startedAtMs) / 2);

    await reader.end();
    expect((await client.untilState(applyId, ENDED, DEADLINE_MS)).state).toBe(State.STATE_STOPPED);
    await admin.end();
  });

  it('a caller who hangs up is not planned for, and the next one is', async () => {
    const impatient = new RawClient(engine.address, 200);
    expect(await statusOf(impatient.plan('wide', manyTables(TABLES + 1)))).toBe('DEADLINE_EXCEEDED');
    impatient.close();
    expect((await client.planDiff('wide', manyTables(1))).changes).toHaveLength(1);
  });
});

describe('a thread that runs out of memory', LIMIT, () => {
  it('fails that plan with the reason, and the next one is planned', async () => {
    const thread = new PlanningThread({ heapMebibytesMax: 24 });
    const target = { name: 'wide', dsn, scratch: { name: 'target wide', dsn } };
    const plan = (count: number) => thread.plan(target, { schemaFiles: manyTables(count), ignoreTables: [] });
    try {
      await expect(plan(TABLES)).rejects.toThrow(/target wide: the thread that planned for it ended: .*memory/);
      expect(await plan(2)).toMatchObject({ kind: 'planned', changes: { length: 4 } });
    } finally {
      await thread.close();
    }
  });
});
