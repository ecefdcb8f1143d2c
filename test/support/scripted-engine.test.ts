import { expect, test } from 'vitest';
import { acceptedApply, type EnginePair, PLAN_REQUEST, plannedApply, startPair } from './engine-pair.js';
import type { Effect, Script } from './scripted-engine.js';

/** A fake that misbehaves only where it was told to is what every proof about the orchestrator rests on. */
const TARGET = PLAN_REQUEST.target;
const HOLD: Partial<Script> = { steps: [{ state: 'STATE_RUNNING', holds: true }] };

async function startApply(script: Partial<Script> = {}, pair?: EnginePair, deferCutover = false) {
  const { plane, engine } = pair ?? (await startPair());
  plane.script(TARGET, script);
  const reference = { ...(await acceptedApply(engine, { deferCutover })), caller: 'test' };
  const state = async () => (await engine.progress(reference)).state;
  const happens = (effect: Effect) => plane.ledger.until(() => plane.ledger.effects({ effect })[0]);
  return { plane, engine, reference, state, happens };
}

test('an apply walks through its script and shows each step', async () => {
  const { plane, engine, reference, state, happens } = await startApply({
    steps: [
      { state: 'STATE_RUNNING', polls: 2, rows: { copied: 40, total: 100 }, detail: 'copying' },
      { state: 'STATE_CATCHING_UP', polls: 1 },
      { state: 99, polls: 1 },
    ],
  });
  await happens('executed');
  expect(await engine.progress(reference)).toMatchObject({
    state: 'running',
    detail: 'public.orders: copying',
    progress: { percent: 40, rowsCopied: '40', rowsTotal: '100' },
  });
  await engine.progress(reference);
  const phases = [await engine.progress(reference), await engine.progress(reference)].map(({ phase }) => phase);
  expect(phases).toEqual(['catching_up', 'unknown(99)']);
  await happens('completed');
  expect(await state()).toBe('completed');
  expect([...plane.liveSchema(TARGET).keys()]).toEqual(['table orders']);
});

test('a stop lands, a start goes on from there, and the change is made once', async () => {
  const { plane, engine, reference, state, happens } = await startApply(HOLD);
  await happens('executed');
  expect(await engine.stop(reference)).toEqual({ kind: 'accepted' });
  await happens('stopped');
  expect(await state()).toBe('stopped');
  expect(plane.liveSchema(TARGET).size).toBe(0);
  await Promise.all([engine.start(reference), engine.start(reference)]);
  await happens('resumed');
  plane.proceed(TARGET);
  await happens('completed');
  const effects = plane.ledger.effects().map(({ effect }) => effect);
  expect(effects).toEqual(['executed', 'stopped', 'resumed', 'completed']);
  expect((await engine.progress(reference)).settledControls.map(({ operation }) => operation)).toEqual([
    'stop',
    'start',
  ]);
});

test('a stop can be refused, be accepted and never land, or land when told', async () => {
  const refused = await startApply({ ...HOLD, stop: 'refused' });
  expect(await refused.engine.stop(refused.reference)).toMatchObject({ kind: 'refused', message: /not supported/ });
  const ignored = await startApply({ ...HOLD, stop: 'never_lands' });
  expect(await ignored.engine.stop(ignored.reference)).toEqual({ kind: 'accepted' });
  expect(await ignored.state()).toBe('running');
  const late = await startApply({ ...HOLD, stop: 'on_release' });
  await late.happens('executed');
  await late.engine.stop(late.reference);
  expect(await late.state()).toBe('running');
  expect(await late.engine.start(late.reference)).toMatchObject({ kind: 'refused' });
  late.plane.landStop(TARGET);
  expect(await late.state()).toBe('stopped');
});

test('an apply that completes while its stop is on the way is completed', async () => {
  const { plane, engine, reference, state, happens } = await startApply({ ...HOLD, stop: 'on_release' });
  await happens('executed');
  await engine.stop(reference);
  plane.completeApply(TARGET);
  plane.landStop(TARGET);
  expect(await state()).toBe('completed');
  expect((await engine.progress(reference)).settledControls).toMatchObject([{ operation: 'stop', status: 'failed' }]);
});

test('stale samples after a start still say stopped, as often as asked', async () => {
  const { engine, reference, state, happens } = await startApply({ ...HOLD, staleStoppedPolls: 2 });
  await happens('executed');
  await engine.stop(reference);
  await happens('stopped');
  await engine.start(reference);
  await happens('resumed');
  expect([await state(), await state(), await state()]).toEqual(['stopped', 'stopped', 'running']);
});

test('a deferred cutover parks until it is permitted, and early permission is refused', async () => {
  const { engine, reference, state, happens } = await startApply(HOLD, undefined, true);
  await happens('executed');
  expect(await engine.cutover(reference)).toMatchObject({ kind: 'refused' });
  const parked = await startApply({}, undefined, true);
  await parked.happens('parked');
  expect(await parked.state()).toBe('waiting_for_cutover');
  expect(await parked.engine.cutover(parked.reference)).toEqual({ kind: 'accepted' });
  await parked.happens('completed');
  expect(await state()).toBe('running');
});

test('a false completion leaves the difference, and a false failure does not', async () => {
  const completed = await startApply({ effect: 'never' });
  await completed.happens('completed');
  expect((await completed.engine.planDiff(PLAN_REQUEST)).changes).toHaveLength(1);
  const failed = await startApply({ end: 'failed', effect: 'always', message: 'lost the connection' });
  await failed.happens('failed');
  expect(await failed.engine.progress(failed.reference)).toMatchObject({
    state: 'failed',
    message: 'lost the connection',
  });
  expect((await failed.engine.planDiff(PLAN_REQUEST)).changes).toEqual([]);
});

test('what somebody does by hand is in every diff, folded into one statement where the target folds', async () => {
  const { plane, engine } = await startPair({ targets: [{ name: TARGET, live: ['CREATE TABLE u (id int)'] }] });
  const schemaFiles = {
    public: { 'u.sql': 'CREATE TABLE u (id int); ALTER TABLE u ADD n int; ALTER TABLE u ADD m int' },
  };
  const request = { ...PLAN_REQUEST, schemaFiles };
  const statements = async () => (await engine.planDiff(request)).changes.map(({ ddl }) => ddl);
  plane.changeByHand(TARGET, 'ALTER TABLE u DROP COLUMN hand');
  const apart = ['ALTER TABLE u DROP COLUMN hand', 'ALTER TABLE u ADD n int', 'ALTER TABLE u ADD m int'];
  expect(await statements()).toEqual(apart);
  plane.foldAlters(TARGET);
  expect(await statements()).toEqual(['ALTER TABLE u DROP COLUMN hand, ADD n int, ADD m int']);
  const { planId, changes } = await engine.plan(request);
  expect(changes).toHaveLength(1);
  const ours = { planId, changes, schemaFiles, allowUnsafe: true };
  expect(await engine.apply({ ...(await plannedApply(engine)), ...ours })).toMatchObject({ kind: 'accepted' });
  await plane.ledger.until(() => plane.ledger.effects({ effect: 'completed' })[0]);
  expect(await statements()).toEqual([]);
});

test('a plan the engine lost is rebuilt from the payload, unless the target has drifted', async () => {
  const { plane, engine } = await startPair();
  const request = await plannedApply(engine);
  plane.forgetPlans();
  const bare = await engine.apply({ ...request, changes: [], schemaFiles: {} });
  expect(bare).toMatchObject({ kind: 'refused', message: 'plan not found' });
  plane.changeLiveSchema(TARGET, ['CREATE TABLE intruder (id int)']);
  await expect(engine.apply(request)).rejects.toMatchObject({ type: 'EngineInternal', reason: /drifted/ });
  plane.liveSchema(TARGET).delete('table intruder');
  expect(await engine.apply(request)).toMatchObject({ kind: 'accepted' });
  expect(plane.applies()).toHaveLength(1);
});

test('an apply that the engine lost is missing', async () => {
  const { plane, state } = await startApply(HOLD);
  plane.forgetApply(TARGET);
  expect(await state()).toBe('missing');
});

test('unsafe needs a yes, blocked takes none, and a wrong schema is an error', async () => {
  const { engine } = await startPair({ targets: [{ name: TARGET, live: ['CREATE TABLE old (id int)'] }] });
  const unsafe = await plannedApply(engine);
  expect(unsafe.changes.map(({ ddl, unsafe: is }) => [ddl, is])).toEqual([
    ['CREATE TABLE orders (id bigint)', false],
    ['DROP TABLE old', true],
  ]);
  expect(await engine.apply(unsafe)).toMatchObject({ kind: 'refused', message: /retry with allow_unsafe=true/ });
  const blocked = { public: { 'a.sql': '-- blocked: it rewrites the table\nALTER TABLE old ALTER id TYPE text;' } };
  const plan = await engine.plan({ ...PLAN_REQUEST, schemaFiles: blocked });
  expect(plan.changes[0]).toMatchObject({ blocked: true, modeReason: 'it rewrites the table' });
  const { errors } = await engine.planDiff({ ...PLAN_REQUEST, schemaFiles: { public: { 'a.sql': 'CRATE TABLE x' } } });
  expect(errors).toEqual(['public/a.sql: syntax error at or near "CRATE"']);
});

test('a limited engine says FAILED while it retries, and INTERNAL when it is busy', async () => {
  const retrying = { steps: [{ state: 'STATE_FAILED_RETRYABLE', holds: true }] } as const;
  const { engine, plane, state, happens } = await startApply(retrying, await startPair({ dialect: 'limited' }));
  await happens('executed');
  expect(await state()).toBe('failed_retryable');
  const busy = engine.apply(await plannedApply(engine, { idempotencyKey: 'another' }));
  await expect(busy).rejects.toMatchObject({ type: 'EngineInternal', reason: /active apply already exists/ });
  expect(plane.applies()).toHaveLength(1);
});

test('a limited engine leaves a cancelled stopped apply stopped until it is started', async () => {
  const { engine, reference, state, happens } = await startApply(HOLD, await startPair({ dialect: 'limited' }));
  await happens('executed');
  await engine.stop(reference);
  await happens('stopped');
  expect(await engine.cancel(reference)).toEqual({ kind: 'accepted' });
  expect(await state()).toBe('stopped');
  await engine.start(reference);
  await happens('cancelled');
  expect(await state()).toBe('cancelled');
});

test('a limited engine with one database works there whatever it is asked, and says nothing about bad SQL', async () => {
  const { engine, plane } = await startPair({ dialect: 'limited' });
  const { changes } = await engine.planDiff({ ...PLAN_REQUEST, target: 'elsewhere', environment: 'staging' });
  expect(changes).toHaveLength(1);
  const wrong = engine.planDiff({ ...PLAN_REQUEST, schemaFiles: { public: { 'a.sql': 'CRATE TABLE x' } } });
  await expect(wrong).rejects.toMatchObject({ type: 'EngineInternal', reason: '' });
  expect(plane.ledger.calls({ rpc: 'PlanDiff' })).toHaveLength(2);
});

test('a held call answers when it is released, and the ledger tells before from after', async () => {
  const { plane, engine } = await startPair();
  const request = await plannedApply(engine);
  const held = plane.fault({ rpc: 'Apply', action: { kind: 'hold_after' } });
  const answer = engine.apply(request);
  await plane.ledger.until(() => plane.ledger.effects({ effect: 'executed' })[0]);
  expect(plane.ledger.calls({ rpc: 'Apply' })[0]?.outcome).toBe('pending');
  held.release();
  expect(await answer).toMatchObject({ kind: 'accepted' });
  expect(plane.ledger.calls({ rpc: 'Apply' })[0]).toMatchObject({
    outcome: 'accepted',
    givenApplyId: plane.applyOn(TARGET).remoteApplyId,
  });
});

test('a fault hits the calls it names and no others', async () => {
  const { plane, engine } = await startPair({ targets: [TARGET, 'orders_us'] });
  const action = { kind: 'error_before', status: 'INTERNAL' } as const;
  const fault = plane.fault({ rpc: 'PlanDiff', target: TARGET, nth: 2, times: 2, action });
  const outcomes: string[] = [];
  for (const target of [TARGET, 'orders_us', TARGET, 'orders_us', TARGET, TARGET]) {
    const outcome = engine.planDiff({ ...PLAN_REQUEST, target });
    outcomes.push(await outcome.then(() => 'ok').catch(() => 'failed'));
  }
  expect(outcomes).toEqual(['ok', 'ok', 'failed', 'ok', 'failed', 'ok']);
  expect(fault.hits).toBe(2);
});

test('the ledger counts what ran at one time and what was sent after a stop', async () => {
  const { plane, engine } = await startPair({ targets: [TARGET, 'orders_us'] });
  plane.script(TARGET, HOLD);
  plane.script('orders_us', HOLD);
  const first = { ...(await acceptedApply(engine)), caller: 'test' };
  const usPlan = await engine.plan({ ...PLAN_REQUEST, target: 'orders_us' });
  await engine.stop(first);
  await plane.ledger.until(() => plane.ledger.effects({ effect: 'stopped' })[0]);
  await engine.apply({ ...(await plannedApply(engine)), ...usPlan, target: 'orders_us', idempotencyKey: 'us' });
  await plane.ledger.until(() => plane.ledger.effects({ effect: 'executed', target: 'orders_us' })[0]);
  expect(plane.ledger.concurrencyMax()).toEqual({ overall: 1, perTarget: 1 });
  expect(plane.ledger.forwardCallsAfterStop().map(({ rpc, target }) => [rpc, target])).toEqual([
    ['Apply', 'orders_us'],
  ]);
});

test('waiting for what does not happen ends at the deadline and shows what did', async () => {
  const { plane, engine } = await startPair();
  await engine.planDiff(PLAN_REQUEST);
  await expect(plane.ledger.waitForCall({ rpc: 'Stop' }, 50)).rejects.toThrow(
    /within 50 ms; it saw:\n.*Health.*\n.*PlanDiff/,
  );
});
