import { onTestFinished } from 'vitest';
import type { ApplyRequest, Engine } from '../../tern/engine.js';
import { createEngines } from '../../tern/engines.js';
import type { Patience } from '../../tern/limits.js';
import { type ScriptedEngine, type ScriptedEngineOptions, startScriptedEngine } from './scripted-engine.js';

/** The deployment by which the client of a pair knows its engine. */
export const DEPLOYMENT = 'eu';

/** What the plans of a pair are about: one new table. */
export const PLAN_REQUEST = {
  database: 'orders',
  type: 'postgres',
  environment: 'production',
  target: 'orders_eu',
  schemaFiles: { public: { 'orders.sql': 'CREATE TABLE orders (id bigint);' } },
} as const;

export interface EnginePair {
  readonly plane: ScriptedEngine;
  readonly engine: Engine;
}

/** A scripted engine and the client of one deployment of it, over real gRPC; both end with the test. */
export async function startPair(
  options: Partial<ScriptedEngineOptions> = {},
  patience: Partial<Patience> = {},
): Promise<EnginePair> {
  const plane = await startScriptedEngine({ targets: [PLAN_REQUEST.target], ...options });
  const engines = createEngines({ [DEPLOYMENT]: { address: plane.address } }, patience);
  onTestFinished(async () => {
    engines.close();
    await plane.stop();
  });
  return { plane, engine: engines.engineFor(DEPLOYMENT) };
}

/** An apply of what the engine plans now. */
export async function plannedApply(engine: Engine, overrides: Partial<ApplyRequest> = {}): Promise<ApplyRequest> {
  const { planId, changes } = await engine.plan(PLAN_REQUEST);
  return {
    ...PLAN_REQUEST,
    planId,
    changes,
    idempotencyKey: 'skein/orders-a/0123456789ab/eu/0',
    allowUnsafe: false,
    deferCutover: false,
    caller: 'skein/orders-a',
    ...overrides,
  };
}

/** The ids of an apply that must be accepted. */
export async function acceptedApply(engine: Engine, overrides: Partial<ApplyRequest> = {}) {
  const answer = await engine.apply(await plannedApply(engine, overrides));
  if (answer.kind !== 'accepted') throw new Error(`the apply was refused: ${answer.message}`);
  const { remoteApplyId, remoteOperationId } = answer;
  return { remoteApplyId, remoteOperationId, environment: PLAN_REQUEST.environment };
}
