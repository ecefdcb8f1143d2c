import { type TestContext, expect, test } from 'vitest';
import { createEngines } from '../../tern/engines.js';
import { PLAN_REQUEST, startPair } from '../support/engine-pair.js';
import { startScriptedEngine } from '../support/scripted-engine.js';
import { startSilentProxy } from '../support/silent-proxy.js';

/** Of every call: long enough for an answer on a machine that is busy with ten other things. */
const DEADLINE_MS = 1_500;
const LIMIT = { timeout: 60_000 };

/** The tests with this proxy run side by side, because most of their time is waiting for a deadline. */
async function startBehindProxy({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  const plane = await startScriptedEngine({ targets: [PLAN_REQUEST.target] });
  const proxy = await startSilentProxy(plane.address);
  const engines = createEngines(
    { eu: { address: proxy.address } },
    { deadlineMsMax: DEADLINE_MS, connectTimeoutMs: 10_000 },
  );
  onTestFinished(async () => {
    engines.close();
    await proxy.close();
    await plane.stop();
  });
  return { plane, proxy, engine: engines.engineFor('eu') };
}

test.concurrent(
  'a connection whose other end vanished without a word is replaced, and the new one is probed',
  LIMIT,
  async (context) => {
    const { plane, proxy, engine } = await startBehindProxy(context);
    await engine.planDiff(PLAN_REQUEST);
    proxy.silence();
    await expect(engine.planDiff(PLAN_REQUEST)).rejects.toMatchObject({
      type: 'Ambiguous',
      status: 'DEADLINE_EXCEEDED',
    });
    await expect.poll(() => engine.planDiff(PLAN_REQUEST).then(() => 'answered'), { timeout: 30_000 }).toBe('answered');
    expect(proxy.connections()).toBe(2);
    expect(plane.ledger.calls({ rpc: 'Health' })).toHaveLength(2);
  },
);

test.concurrent('a connection that falls silent before it is proven is replaced too', LIMIT, async (context) => {
  const { plane, proxy, engine } = await startBehindProxy(context);
  const hang = plane.fault({ rpc: 'Health', action: { kind: 'hang' } });
  await engine.ready({ timeoutMs: 30_000 });
  expect(hang.hits).toBe(1);
  expect(proxy.connections()).toBe(2);
});

test.concurrent('a slow call on a connection that is alive costs no connection', LIMIT, async (context) => {
  const { plane, proxy, engine } = await startBehindProxy(context);
  const hang = plane.fault({ rpc: 'PlanDiff', action: { kind: 'hang' } });
  await expect(engine.planDiff(PLAN_REQUEST)).rejects.toMatchObject({ status: 'DEADLINE_EXCEEDED' });
  await plane.ledger.waitForCall({ rpc: 'Health', nth: 2, outcome: 'answered' });
  await engine.planDiff(PLAN_REQUEST);
  expect(hang.hits).toBe(1);
  expect(proxy.connections()).toBe(1);
});

test('after it was closed, an engine was sent nothing', async () => {
  const { plane, engine } = await startPair({}, { connectTimeoutMs: 100 });
  await engine.planDiff(PLAN_REQUEST);
  engine.close();
  const before = plane.ledger.entries.length;
  await expect(engine.planDiff(PLAN_REQUEST)).rejects.toMatchObject({ type: 'Unreachable' });
  expect(plane.ledger.entries).toHaveLength(before);
});

test('a call that was sent before the engine was closed still gets its answer', async () => {
  const { plane, engine } = await startPair();
  const held = plane.fault({ rpc: 'PlanDiff', action: { kind: 'hold_after' } });
  const answer = engine.planDiff(PLAN_REQUEST);
  await plane.ledger.waitForCall({ rpc: 'PlanDiff' });
  engine.close();
  held.release();
  expect((await answer).changes).toHaveLength(1);
});
