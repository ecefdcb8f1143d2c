import { describe, expect, test } from 'vitest';
import { acceptedApply, type EnginePair, PLAN_REQUEST, startPair } from './engine-pair.js';
import type { Effect, Script } from './scripted-engine.js';
import { until } from './until.js';

/** Where the fake waits for a decision: at a deferred cutover, and in a revert window. */
const TARGET = PLAN_REQUEST.target;

async function startApply(
  script: Partial<Script>,
  { deferCutover = false, pair }: { deferCutover?: boolean; pair?: EnginePair } = {},
) {
  const { plane, engine } = pair ?? (await startPair());
  plane.script(TARGET, script);
  const reference = { ...(await acceptedApply(engine, { deferCutover })), caller: 'test' };
  const observe = () => engine.progress(reference);
  const state = async () => (await observe()).state;
  const happens = (effect: Effect) => plane.ledger.until(() => plane.ledger.effects({ effect })[0]);
  /** The request that the engine says it has settled, once it says so. */
  const settles = (operation: string) =>
    until(async () => (await observe()).settledControls.find((settled) => settled.operation === operation) ?? null);
  return { plane, engine, reference, observe, state, happens, settles };
}

async function parked(script: Partial<Script> = {}) {
  const apply = await startApply(script, { deferCutover: true });
  await apply.happens('parked');
  return apply;
}

async function open(script: Partial<Script> = {}) {
  const apply = await startApply({ ...script, revertWindow: 'opens' });
  await apply.happens('window_opened');
  return apply;
}

describe('a deferred cutover', () => {
  test('parks only where it was asked for', async () => {
    const { happens, plane } = await startApply({});
    await happens('completed');
    expect(plane.ledger.effects({ effect: 'parked' })).toEqual([]);
  });

  test('waits without a word of how long, and nothing is live meanwhile', async () => {
    const { observe, plane } = await parked();
    expect(await observe()).toMatchObject({ state: 'waiting_for_cutover', parkedUntil: null });
    expect(plane.changesMade(TARGET)).toBe(0);
  });

  test('can be accepted and then fail, and stays parked', async () => {
    const { engine, reference, settles, state } = await parked({ cutover: 'fails' });
    expect(await engine.cutover(reference)).toEqual({ kind: 'accepted' });
    expect(await settles('cutover')).toMatchObject({ status: 'failed', message: 'the swap failed: lock wait timeout' });
    expect(await state()).toBe('waiting_for_cutover');
  });

  test('can be permitted by someone else, without a call', async () => {
    const { plane, happens, settles } = await parked();
    plane.cutOver(TARGET);
    await happens('completed');
    expect(plane.ledger.calls({ rpc: 'Cutover' })).toEqual([]);
    expect(await settles('cutover')).toMatchObject({ status: 'completed' });
  });

  test.each(['cancelled', 'failed'] as const)(
    'is given up by the engine itself, as %s, when its time has come',
    async (expiresAs) => {
      const { observe, plane, happens, state } = await parked({ parkedMs: 3_600_000, expiresAs });
      const { parkedUntil } = await observe();
      expect(Date.parse(String(parkedUntil)) - Date.now()).toBeGreaterThan(3_500_000);
      plane.expire(TARGET);
      await happens(expiresAs);
      expect(await state()).toBe(expiresAs);
      expect(plane.changesMade(TARGET)).toBe(0);
    },
  );

  test('is given up without anyone doing anything', async () => {
    const { happens, state } = await parked({ parkedMs: 5 });
    await happens('cancelled');
    expect(await state()).toBe('cancelled');
  });
});

describe('a revert window', () => {
  test('opens with the change live, also after a deferred cutover, and stays open', async () => {
    const { state, plane } = await open();
    expect(await state()).toBe('revert_window');
    expect([...plane.liveSchema(TARGET).keys()]).toEqual(['table orders']);
    const deferred = await startApply({ revertWindow: 'opens' }, { deferCutover: true });
    await deferred.happens('parked');
    await deferred.engine.cutover(deferred.reference);
    await deferred.happens('window_opened');
    expect(await deferred.observe()).toMatchObject({ state: 'revert_window', parkedUntil: null });
  });

  test('is left by a revert, which takes the change back', async () => {
    const { engine, reference, plane, happens, state } = await open({ revert: 'on_release' });
    expect(await engine.revert(reference)).toEqual({ kind: 'accepted' });
    await happens('reverting');
    expect(await state()).toBe('reverting');
    expect(plane.liveSchema(TARGET).size).toBe(1);
    plane.landRevert(TARGET);
    await happens('reverted');
    expect(await state()).toBe('reverted');
    expect(plane.liveSchema(TARGET).size).toBe(0);
    expect((await engine.planDiff(PLAN_REQUEST)).changes).toHaveLength(1);
  });

  test('is left by a skip, with which the change is completed and was made once', async () => {
    const { engine, reference, plane, happens, state, settles } = await open();
    expect(await engine.skipRevert(reference)).toEqual({ kind: 'accepted' });
    await happens('completed');
    expect(await state()).toBe('completed');
    expect(await settles('skip_revert')).toMatchObject({ status: 'completed' });
    expect(plane.changesMade(TARGET)).toBe(1);
    expect(await engine.revert(reference)).toMatchObject({ kind: 'refused', message: /needs revert_window/ });
  });

  test('closes by itself when its time has come, and says when that will be', async () => {
    const { observe, plane, happens } = await open({ revertWindowMs: 3_600_000 });
    expect(Date.parse(String((await observe()).parkedUntil)) - Date.now()).toBeGreaterThan(3_500_000);
    plane.expire(TARGET);
    await happens('completed');
    expect(await observe()).toMatchObject({ state: 'completed', parkedUntil: null });
  });

  test('can be left by someone else, without a call', async () => {
    const reverted = await open();
    reverted.plane.revert(TARGET);
    await reverted.happens('reverted');
    const skipped = await open();
    skipped.plane.skipRevert(TARGET);
    await skipped.happens('completed');
    expect([reverted, skipped].map(({ plane }) => plane.ledger.calls({ rpc: ['Revert', 'SkipRevert'] }))).toEqual([
      [],
      [],
    ]);
  });

  test.each([
    ['revert', 'revert'],
    ['skipRevert', 'skip_revert'],
  ] as const)('%s can be refused, be accepted and never land, or fail', async (method, operation) => {
    const refused = await open({ [method]: 'refused' });
    expect(await refused.engine[method](refused.reference)).toMatchObject({
      kind: 'refused',
      message: /not supported/,
    });
    const ignored = await open({ [method]: 'never_lands' });
    expect(await ignored.engine[method](ignored.reference)).toEqual({ kind: 'accepted' });
    const failed = await open({ [method]: 'fails' });
    expect(await failed.engine[method](failed.reference)).toEqual({ kind: 'accepted' });
    expect(await failed.settles(operation)).toMatchObject({ status: 'failed', message: /lock wait timeout/ });
    expect(await Promise.all([refused, ignored, failed].map(({ state }) => state()))).toEqual([
      'revert_window',
      'revert_window',
      'revert_window',
    ]);
  });

  test('is closed to stop and cancel, because the change is live', async () => {
    const { engine, reference, state } = await open();
    expect(await engine.stop(reference)).toMatchObject({ kind: 'refused', message: /the change is live/ });
    expect(await engine.cancel(reference)).toMatchObject({ kind: 'refused', message: /the change is live/ });
    expect(await state()).toBe('revert_window');
  });

  test('is nothing that a limited engine knows to leave: INTERNAL in every state', async () => {
    const pair = await startPair({ dialect: 'limited' });
    const { engine, reference, happens, state } = await startApply({ revertWindow: 'opens' }, { pair });
    await happens('window_opened');
    await expect(engine.revert(reference)).rejects.toMatchObject({ type: 'EngineInternal' });
    await expect(engine.skipRevert(reference)).rejects.toMatchObject({ type: 'EngineInternal' });
    expect(await state()).toBe('revert_window');
  });
});
