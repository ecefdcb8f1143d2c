import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { startEngine } from '../../engine/server.js';
import { State } from '../../proto/gen/tern.js';
import { testPostgres } from '../support/postgres.js';
import { RawClient } from './raw-client.js';

const ROWS = 100_000;
const WRITERS = 3;
/** A write that waits for a lock longer than this fails, and the test with it. The server measures it, so load does not. */
const LOCK_PATIENCE_MS = 1_000;

const LIVE = 'CREATE TABLE hits (id bigint PRIMARY KEY, page varchar(40), seen integer);';
const DESIRED = {
  public: {
    'hits.sql': `
      CREATE TABLE pages (name varchar(80) PRIMARY KEY);
      CREATE TABLE hits (
        id bigint PRIMARY KEY, page varchar(80) NOT NULL UNIQUE REFERENCES pages, seen integer CHECK (seen >= 0),
        at timestamptz NOT NULL DEFAULT now(), note text);
      CREATE INDEX hits_seen ON hits (seen);`,
  },
};

it('a plan of every online kind is carried out while others write, and none of them waits', async () => {
  const postgres = await testPostgres();
  const dsn = await postgres.createDatabase('busy');
  const admin = new Client({ connectionString: dsn });
  await admin.connect();
  await admin.query(`
    ${LIVE} INSERT INTO hits SELECT n, 'page ' || n, 0 FROM generate_series(1, ${ROWS}) n;
    CREATE TABLE pages (name varchar(80) PRIMARY KEY); INSERT INTO pages SELECT page FROM hits; ANALYZE;`);
  const engine = await startEngine({ listen: '127.0.0.1:0', targets: { busy: dsn } });
  const client = new RawClient(engine.address);
  onTestFinished(async () => {
    client.close();
    await engine.stop();
    await admin.end();
  });
  const { planId, changes } = await client.plan('busy', DESIRED);
  expect(changes.flatMap((change) => change.tableChanges.map((table) => table.executionMode))).not.toContain('blocked');

  const done = new AbortController();
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(dsn, writer, done.signal));
  const { applyId, errorMessage } = await client.apply({ planId, target: 'busy' });
  expect(errorMessage).toBe('');
  const ended = await client.untilState(applyId, [State.STATE_COMPLETED, State.STATE_FAILED], 50_000);
  done.abort();
  const written = await Promise.all(writers);
  expect(ended.errorMessage).toBe('');
  expect(ended.tables.length).toBeGreaterThanOrEqual(8);
  for (const writes of written) expect(writes).toBeGreaterThan(50);
  expect((await client.planDiff('busy', DESIRED)).changes).toEqual([]);
});

/** Writes one row after the other until told to stop, and gives how many. Rejects with the first write that had to wait. */
async function write(dsn: string, writer: number, done: AbortSignal): Promise<number> {
  const session = new Client({ connectionString: dsn, application_name: `writer ${writer}` });
  await session.connect();
  try {
    await session.query(`SET lock_timeout = ${LOCK_PATIENCE_MS}`);
    let writes = 0;
    for (; !done.aborted; writes += 1) {
      const id = ((writes * 7_919 + writer * 104_729) % ROWS) + 1;
      await session.query('UPDATE hits SET seen = seen + 1 WHERE id = $1', [id]);
    }
    return writes;
  } finally {
    await session.end();
  }
}
