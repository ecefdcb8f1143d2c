import { extract } from '@supabase/pg-delta/extract';
import { Client, Pool } from 'pg';
import { startPostgres } from '../dev/postgres.js';
import { startEngine } from '../engine/server.js';
import { RawClient } from '../test/engine/raw-client.js';
import { median } from './cost.js';
import type { Row } from './report.js';

const TABLES = 20;
const CALLS_PER_ROUND = 10;
/** Without the second reading it was 1.16 times its floor; the second one may make it 1.2 times as long as that. */
const GOAL_RATIO = 1.4;

/**
 * A PlanDiff of a schema that is as its files say, which is what every verification asks for. Its floor is the planner's own
 * reading of the catalogues alone, in turns with it.
 */
export async function measureDifference(rounds: number): Promise<readonly Row[]> {
  const statements = Array.from({ length: TABLES }, (_, n) => table(n)).join('\n');
  const postgres = await startPostgres();
  try {
    const dsn = await postgres.createDatabase('ordinary');
    const admin = new Client({ connectionString: dsn });
    await admin.connect();
    await admin.query(statements);
    await admin.end();
    const engine = await startEngine({ listen: '127.0.0.1:0', targets: { ordinary: dsn } });
    const client = new RawClient(engine.address);
    const pool = new Pool({ connectionString: dsn, max: 1 });
    // The server may end before a connection that nobody uses any more has closed.
    pool.on('error', () => undefined);
    try {
      const ask = () => client.planDiff('ordinary', { public: { 'all.sql': statements } });
      const first = await ask();
      if (first.changes.length > 0 || first.errors.length > 0) throw new Error('bench difference: the schema differs');
      await extract(pool);
      const [asked, read]: [number[], number[]] = [[], []];
      for (let call = 0; call < rounds * CALLS_PER_ROUND; call += 1) {
        asked.push(await timeOf(ask));
        read.push(await timeOf(() => extract(pool)));
      }
      const [value, floor] = [median(asked), median(read)];
      return [
        {
          measure: `time of a PlanDiff of ${TABLES} tables; floor: the planner's reading alone`,
          deployments: 1,
          value,
          unit: 'ms',
          floor,
          ratio: value / floor,
          goal: GOAL_RATIO,
          met: value / floor <= GOAL_RATIO,
        },
      ];
    } finally {
      client.close();
      await engine.stop();
      await pool.end();
    }
  } finally {
    await postgres.stop();
  }
}

function table(n: number): string {
  return `CREATE TABLE t${n} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, size integer,
      at timestamptz DEFAULT now(), CONSTRAINT size${n} CHECK (size > 0));
    CREATE INDEX t${n}_name ON t${n} (name);
    COMMENT ON COLUMN t${n}.name IS 'n';`;
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}
