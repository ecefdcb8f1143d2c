import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Client } from 'pg';
import { startPostgres } from '../dev/postgres.js';
import { startEngine } from '../engine/server.js';
import { PlanDiffResponse, PlanRequest } from '../proto/gen/tern.js';
import { RawClient } from '../test/engine/raw-client.js';
import { median } from './cost.js';
import { row, type Row } from './report.js';

const TABLES = 1_000;
const DEADLINE_MS = 300_000;
const GOAL = { firstRatio: 2, planMs: 5_000, holdMs: 100, memoryMiB: 1_024 } as const;
/** How finely holds of the event loop are seen. */
const RESOLUTION_MS = 2;

/** What an ordinary table has: a primary key, a default, a check, a foreign key, a unique column, an index, a comment. */
function table(n: number): string {
  return `CREATE TABLE t${n} (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL DEFAULT 'x', size integer CHECK (size > 0),
      at timestamptz DEFAULT now(), parent bigint REFERENCES t${Math.max(0, n - 1)}, code text UNIQUE);
    CREATE INDEX t${n}_name ON t${n} (name);
    COMMENT ON TABLE t${n} IS 'n';`;
}

/**
 * A plan of many new tables, by an engine in this process: how long it takes, for how long it keeps the engine from
 * answering anything else, and what it needs of memory. The answers are not decoded, so that only the engine's work counts.
 */
export async function measurePlanning(rounds: number): Promise<readonly Row[]> {
  const texts = Array.from({ length: TABLES }, (_, n) => table(n));
  const files = Object.fromEntries(texts.map((text, n) => [`${String(n).padStart(5, '0')}.sql`, text]));
  const postgres = await startPostgres();
  try {
    const holdsOfWaiting = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    holdsOfWaiting.enable();
    const plainMs = await timeOf(() => runPlainly(postgres, texts));
    holdsOfWaiting.disable();
    const engine = await startEngine({
      listen: '127.0.0.1:0',
      targets: { wide: await postgres.createDatabase('wide') },
    });
    const client = new RawClient(engine.address, DEADLINE_MS);
    const holds = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    try {
      const call = (name: string) => async () => {
        const request = PlanRequest.fromPartial({
          database: 'orders',
          type: 'postgres',
          environment: 'bench',
          target: 'wide',
          schemaFiles: { public: { files } },
        });
        return client.raw(`/tern.v1.Tern/${name}`, PlanRequest.encode(request).finish());
      };
      holds.enable();
      const firstMs = await timeOf(call('Plan'));
      const againMs: number[] = [];
      for (let round = 1; round <= rounds; round += 1) againMs.push(await timeOf(call('PlanDiff')));
      holds.disable();
      const planned = PlanDiffResponse.decode(await call('PlanDiff')()).changes.flatMap(
        (change) => change.tableChanges,
      );
      if (planned.length < TABLES)
        throw new Error(`bench planning: ${planned.length} changes for ${TABLES} new tables`);
      const memoryMiB = process.resourceUsage().maxRSS / 1024;
      return [
        {
          measure: `time of the first plan of ${TABLES} new tables; floor: their statements alone`,
          deployments: 1,
          value: firstMs,
          unit: 'ms',
          floor: plainMs,
          ratio: firstMs / plainMs,
          goal: GOAL.firstRatio,
          met: firstMs / plainMs <= GOAL.firstRatio,
        },
        row(`time of a plan of ${TABLES} new tables`, 1, median(againMs), 'ms', GOAL.planMs),
        row('longest hold of the event loop meanwhile', 1, heldMs(holds), 'ms', GOAL.holdMs),
        row('longest hold while it only waits for statements', 1, heldMs(holdsOfWaiting), 'ms', null),
        row('memory of the process, at most', 1, memoryMiB, 'MiB', GOAL.memoryMiB),
      ];
    } finally {
      client.close();
      await engine.stop();
    }
  } finally {
    await postgres.stop();
  }
}

async function runPlainly(
  postgres: Awaited<ReturnType<typeof startPostgres>>,
  statements: readonly string[],
): Promise<void> {
  const client = new Client({ connectionString: await postgres.createDatabase('plain') });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

function heldMs(holds: IntervalHistogram): number {
  return holds.max / 1e6 - RESOLUTION_MS;
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}
