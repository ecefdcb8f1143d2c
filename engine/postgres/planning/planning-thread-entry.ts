import { parentPort } from 'node:worker_threads';
import { status } from '@grpc/grpc-js';
import { CallFailure, ConfigurationError, textOf } from '../../errors.js';
import type { SchemaProblems } from '../../target.js';
import { openPool } from '../database.js';
import { isConnectionLoss, silentDatabase } from '../errors.js';
import { DesiredSchemas } from './desired-schemas.js';
import { type Comparison, Planner } from './planner.js';
import type { PlannedTarget, PlanningFailure, PlanningReply, PlanningRequest } from './planning-messages.js';
import { loadParser } from './sql.js';

/**
 * The thread that plans: it reads the live schemas with connections of its own, keeps the desired ones, and compares. What
 * it is asked for waits for databases side by side, and computes one after the other.
 */

const ALIVE_INTERVAL_MS = 1_000;
/** Per target, beside those of the calls: the two readings of the live schema go side by side. */
const CONNECTIONS_MAX = 2;

const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread, and is not run by itself');

await loadParser();
const desired = new DesiredSchemas();
const planners = new Map<string, Planner>();
/** Calls that somebody still waits for. */
const wanted = new Set<number>();

const reply = (message: PlanningReply) => port.postMessage(message);
reply({ kind: 'alive' });
setInterval(() => reply({ kind: 'alive' }), ALIVE_INTERVAL_MS).unref();

port.on('message', (request: PlanningRequest) => {
  if (request.kind === 'forget') wanted.delete(request.id);
  else void answer(request);
});

async function answer({ id, target, work }: Extract<PlanningRequest, { kind: 'call' }>): Promise<void> {
  wanted.add(id);
  const isWanted = () => wanted.has(id);
  try {
    const planner = plannerOf(target);
    const answered: Comparison | SchemaProblems =
      work.kind === 'plan' ? await planner.plan(work.input, isWanted) : await planner.planAgain(work.stored, isWanted);
    if (isWanted()) reply({ kind: 'answer', id, answer: answered });
  } catch (error) {
    if (isWanted()) reply({ kind: 'failure', id, failure: failureOf(error, target.name) });
  } finally {
    wanted.delete(id);
  }
}

/** A target keeps its planner, and with it the connections, which close by themselves when they are idle. */
function plannerOf({ name, dsn, scratch }: PlannedTarget): Planner {
  const key = JSON.stringify([name, dsn, scratch]);
  const planner =
    planners.get(key) ?? new Planner({ pool: openPool(`target ${name}`, dsn, CONNECTIONS_MAX), desired, scratch });
  planners.set(key, planner);
  return planner;
}

function failureOf(error: unknown, target: string): PlanningFailure {
  if (error instanceof ConfigurationError) return { kind: 'configuration', message: error.message };
  const failure = isConnectionLoss(error) ? silentDatabase(target, error) : error;
  if (failure instanceof CallFailure) return { kind: 'call', code: failure.code, message: failure.message };
  const stack = failure instanceof Error ? (failure.stack ?? '') : '';
  return { kind: 'other', message: textOf(failure) || status[status.INTERNAL], stack };
}
