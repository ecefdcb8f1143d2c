import { afterEach, expect, test } from 'vitest';
import { createEngines } from '../../tern/engines.js';
import type { ApplyRequest, Engine } from '../../tern/engine.js';
import { type ScriptedEngine, type ScriptedEngineOptions, startScriptedEngine } from '../support/scripted-engine.js';

const DATABASE = { database: 'orders', type: 'postgres', environment: 'production', target: 'orders_eu' };
const SCHEMA = { public: { 'orders.sql': 'CREATE TABLE orders (id bigint);' } };
const WHERE = { ...DATABASE, schemaFiles: SCHEMA };

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.stop();
});

async function startPair(
  options: Partial<ScriptedEngineOptions> = {},
): Promise<{ plane: ScriptedEngine; engine: Engine }> {
  const plane = await startScriptedEngine({ targets: ['orders_eu'], ...options });
  const engines = createEngines({ eu: { address: plane.address } });
  open.push({
    stop: async () => {
      engines.close();
      await plane.stop();
    },
  });
  return { plane, engine: engines.engineFor('eu') };
}

async function applyRequest(engine: Engine, key = 'skein/a1/0123456789ab/eu/0'): Promise<ApplyRequest> {
  const plan = await engine.plan(WHERE);
  return {
    ...WHERE,
    planId: plan.planId,
    changes: plan.changes,
    idempotencyKey: key,
    allowUnsafe: false,
    deferCutover: false,
    caller: 'skein/a1',
  };
}

test('a schema change is planned, applied, watched to its end and is no difference any more', async () => {
  const { plane, engine } = await startPair();
  const request = await applyRequest(engine);
  expect(request.changes).toMatchObject([{ table: 'orders', changeType: 'create', unsafe: false }]);
  const answer = await engine.apply(request);
  if (answer.kind !== 'accepted') throw new Error(answer.message);
  await plane.ledger.until(() => plane.ledger.effects({ effect: 'completed' })[0]);
  const observation = await engine.progress({ ...answer, environment: 'production' });
  expect(observation).toMatchObject({ state: 'completed', progress: { percent: 100 } });
  expect((await engine.planDiff(WHERE)).changes).toEqual([]);
  expect(plane.ledger.executionsPerKey()).toEqual(new Map([[request.idempotencyKey, 1]]));
});
