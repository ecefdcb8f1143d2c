import { expect, test } from 'vitest';
import { State } from '../../proto/gen/tern.js';
import type { EngineFailure } from '../../tern/engine.js';
import { CALLS } from '../../tern/calls.js';
import { PATIENCE, deadlineMsOf } from '../../tern/limits.js';
import { acceptedApply, PLAN_REQUEST, plannedApply, startPair } from '../support/engine-pair.js';
import type { Rpc } from '../support/scripted-engine.js';

const CALLER = { caller: 'skein/orders-a' };

test('a schema change is planned, applied, watched to its end and is no difference any more', async () => {
  const { plane, engine } = await startPair();
  const request = await plannedApply(engine);
  expect(request.changes).toMatchObject([{ table: 'orders', changeType: 'create', unsafe: false }]);
  const reference = await acceptedApply(engine);
  await plane.ledger.until(() => plane.ledger.effects({ effect: 'completed' })[0]);
  expect(await engine.progress(reference)).toMatchObject({ state: 'completed', progress: { percent: 100 } });
  expect((await engine.planDiff(PLAN_REQUEST)).changes).toEqual([]);
  expect(plane.ledger.executionsPerKey()).toEqual(new Map([[request.idempotencyKey, 1]]));
});

test('an Apply whose answer was lost is ambiguous, and its repeat gives the ids of the first without running again', async () => {
  const { plane, engine } = await startPair();
  plane.script('orders_eu', { steps: [{ state: 'STATE_RUNNING', holds: true }] });
  const lost = plane.fault({ rpc: 'Apply', action: { kind: 'error_after', status: 'UNAVAILABLE' } });
  const request = await plannedApply(engine);
  await expect(engine.apply(request)).rejects.toMatchObject({ type: 'Ambiguous', status: 'UNAVAILABLE' });
  expect(lost.hits).toBe(1);
  const found = await engine.findApply({ idempotencyKey: request.idempotencyKey, target: request.target });
  const repeated = await engine.apply(request);
  expect(repeated).toMatchObject({ kind: 'accepted', remoteApplyId: plane.applyOn('orders_eu').remoteApplyId });
  expect(found).toMatchObject({ kind: 'found', remoteApplyId: plane.applyOn('orders_eu').remoteApplyId });
  await plane.ledger.until(() => plane.ledger.effects({ effect: 'executed' })[0]);
  expect(plane.ledger.executionsPerKey()).toEqual(new Map([[request.idempotencyKey, 1]]));
});

test('a lookup of a key that never arrived is a definite no, and an engine without lookup says that it has none', async () => {
  const full = await startPair();
  const asked = { idempotencyKey: 'never-sent', target: 'orders_eu' };
  expect(await full.engine.findApply(asked)).toEqual({ kind: 'not_found' });
  const without = await startPair({ lookup: false });
  expect(await without.engine.findApply(asked)).toEqual({ kind: 'unsupported' });
  expect(without.plane.ledger.calls({ rpc: 'FindApply' })).toEqual([]);
  await expect(full.engine.findApply({ ...asked, target: 'elsewhere' })).rejects.toMatchObject({
    type: 'EngineRefused',
  });
});

test.each([
  ['no id', { applyId: '' }, /without an apply id/],
  ['another operation key', { operationKey: 'orders_us' }, /operation key "orders_us"/],
])('an acceptance with %s is not believed (C07, C08)', async (_, answer, text) => {
  const { plane, engine } = await startPair();
  plane.fault({ rpc: 'Apply', action: { kind: 'rewrite', rewrite: () => answer } });
  const outcome = engine.apply(await plannedApply(engine));
  await expect(outcome).rejects.toMatchObject({ type: 'ContractBroken' });
  await expect(outcome).rejects.toThrow(text);
});

test('a busy database is a refusal that names the holder', async () => {
  const { plane, engine } = await startPair();
  plane.script('orders_eu', { steps: [{ state: 'STATE_RUNNING', holds: true }] });
  const first = await acceptedApply(engine);
  const second = await engine.apply(await plannedApply(engine, { idempotencyKey: 'another' }));
  expect(second).toMatchObject({
    kind: 'refused',
    conflict: { table: 'orders', blockingState: 'running', holderRemoteApplyId: first.remoteApplyId },
  });
});

test('an unknown remote apply is missing, in the words of every kind of engine (C19)', async () => {
  const stranger = { remoteApplyId: 'apply-0000000000000000', environment: 'production', remoteOperationId: null };
  const one = await startPair();
  expect(await one.engine.progress(stranger)).toMatchObject({ state: 'missing' });
  const several = await startPair({ dialect: 'limited', targets: ['orders_eu', 'orders_us'] });
  expect(await several.engine.progress(stranger)).toMatchObject({ state: 'missing' });
  expect(several.plane.ledger.calls({ rpc: 'Progress' })[0]?.outcome).toBe('INTERNAL');
});

test('an internal error about something else that was not found is not a missing apply', async () => {
  const { plane, engine } = await startPair();
  const reference = await acceptedApply(engine);
  plane.fault({ rpc: 'Progress', action: { kind: 'error_before', status: 'INTERNAL', message: 'table not found' } });
  await expect(engine.progress(reference)).rejects.toMatchObject({ type: 'EngineInternal', reason: 'table not found' });
});

test('an answer about another apply, or without the operation that was asked for, is not believed (C26)', async () => {
  const { plane, engine } = await startPair();
  const reference = await acceptedApply(engine);
  expect(reference.remoteOperationId).not.toBeNull();
  const rewrites = [{ applyId: 'apply-1' }, { applyOperationId: '' }, { applyOperationId: '77' }];
  for (const answer of rewrites) {
    plane.fault({ rpc: 'Progress', action: { kind: 'rewrite', rewrite: () => answer } });
    await expect(engine.progress(reference)).rejects.toMatchObject({ type: 'ContractBroken' });
  }
  expect(plane.ledger.calls({ rpc: 'Progress' })).toHaveLength(rewrites.length);
});

test('an answer with neither id nor tables is believed (C27)', async () => {
  const { plane, engine } = await startPair();
  const reference = await acceptedApply(engine);
  const bare = { applyId: '', tables: [], state: State.STATE_RUNNING };
  plane.fault({ rpc: 'Progress', action: { kind: 'rewrite', rewrite: () => bare } });
  expect(await engine.progress(reference)).toMatchObject({ state: 'running', progress: null });
});

test('a limited engine is never asked for an operation, and need not echo one', async () => {
  const { plane, engine } = await startPair({ dialect: 'limited' });
  const reference = await acceptedApply(engine);
  expect(reference.remoteOperationId).toBeNull();
  await engine.progress({ ...reference, remoteOperationId: '7' });
  expect(plane.ledger.calls({ rpc: 'Progress' }).map(({ operationId }) => operationId)).toEqual(['']);
});

test('every control names the remote apply and its caller, and a cutover its operation', async () => {
  const { plane, engine } = await startPair();
  plane.script('orders_eu', { steps: [{ state: 'STATE_RUNNING', holds: true }] });
  const reference = { ...(await acceptedApply(engine)), ...CALLER };
  expect(await engine.stop(reference)).toEqual({ kind: 'accepted' });
  await plane.ledger.until(() => plane.ledger.effects({ effect: 'stopped' })[0]);
  expect(await engine.start(reference)).toEqual({ kind: 'accepted' });
  expect(await engine.cutover(reference)).toMatchObject({ kind: 'refused', message: /waiting_for_cutover/ });
  expect(await engine.cancel(reference)).toEqual({ kind: 'accepted' });
  const controls = plane.ledger.calls({ rpc: ['Stop', 'Start', 'Cutover', 'Cancel'] });
  expect(controls.map(({ rpc }) => rpc)).toEqual(['Stop', 'Start', 'Cutover', 'Cancel']);
  for (const { remoteApplyId, caller, environment } of controls) {
    expect({ remoteApplyId, caller, environment }).toEqual({
      remoteApplyId: reference.remoteApplyId,
      ...CALLER,
      environment: 'production',
    });
  }
  expect(controls[2]?.operationId).toBe(reference.remoteOperationId);
});

test.each([
  ['Revert', 'reverted', 'reverted'],
  ['SkipRevert', 'completed', 'completed'],
] as const)('%s names the remote apply and ends it %s', async (rpc, state, effect) => {
  const { plane, engine } = await startPair();
  plane.script('orders_eu', { revertWindow: 'opens' });
  const reference = { ...(await acceptedApply(engine)), ...CALLER };
  await plane.ledger.until(() => plane.ledger.effects({ effect: 'window_opened' })[0]);
  const control = rpc === 'Revert' ? engine.revert(reference) : engine.skipRevert(reference);
  expect(await control).toEqual({ kind: 'accepted' });
  expect(plane.ledger.calls({ rpc })).toMatchObject([
    { remoteApplyId: reference.remoteApplyId, environment: 'production', caller: '', operationId: '' },
  ]);
  await plane.ledger.until(() => plane.ledger.effects({ effect })[0]);
  expect(await engine.progress(reference)).toMatchObject({ state });
});

test.each(['Revert', 'SkipRevert'] as const)('%s has a definite no in every form that engines give it', async (rpc) => {
  const { plane, engine } = await startPair();
  plane.script('orders_eu', { steps: [{ state: 'STATE_RUNNING', holds: true }] });
  const reference = { ...(await acceptedApply(engine)), ...CALLER };
  const send = () => (rpc === 'Revert' ? engine.revert(reference) : engine.skipRevert(reference));
  expect(await send()).toMatchObject({ kind: 'refused', message: /needs revert_window/ });
  plane.fault({ rpc, action: { kind: 'error_before', status: 'UNIMPLEMENTED', message: 'unknown method' } });
  await expect(send()).rejects.toMatchObject({ type: 'EngineRefused', reason: 'unknown method' });
  // A plane that answers so cannot be told from one that is out of order for a moment: whoever asks bounds the repeats.
  plane.fault({ rpc, action: { kind: 'error_before', status: 'INTERNAL', message: 'not supported' } });
  await expect(send()).rejects.toMatchObject({ type: 'EngineInternal', reason: 'not supported' });
});

test('nothing is sent without the ids it needs: an empty one means everything to some engines (C03)', async () => {
  const { plane, engine } = await startPair();
  const request = await plannedApply(engine);
  const nobody = { remoteApplyId: '', environment: 'production', remoteOperationId: null, ...CALLER };
  const calls: readonly (() => Promise<unknown>)[] = [
    () => engine.apply({ ...request, planId: '' }),
    () => engine.apply({ ...request, environment: '' }),
    () => engine.apply({ ...request, idempotencyKey: '' }),
    () => engine.findApply({ idempotencyKey: '', target: 'orders_eu' }),
    () => engine.progress(nobody),
    () => engine.stop(nobody),
    () => engine.start(nobody),
    () => engine.cancel(nobody),
    () => engine.cutover(nobody),
    () => engine.revert(nobody),
    () => engine.skipRevert(nobody),
    () => engine.revert({ ...nobody, remoteApplyId: 'apply-1', environment: '' }),
    () => engine.stop({ ...nobody, remoteApplyId: 'apply-1', environment: '' }),
    () => engine.logs({ ...nobody, database: 'orders', type: 'postgres', target: 'orders_eu', limit: 10 }),
  ];
  const before = plane.ledger.entries.length;
  for (const call of calls) await expect(call()).rejects.toThrow(/must not be empty/);
  expect(plane.ledger.entries).toHaveLength(before);
});

test('a call that changes state is sent once, whatever comes back (C41)', async () => {
  const { plane, engine } = await startPair();
  plane.script('orders_eu', { steps: [{ state: 'STATE_RUNNING', holds: true }] });
  const request = await plannedApply(engine);
  const reference = { ...(await acceptedApply(engine)), ...CALLER };
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    Apply: () => engine.apply(request),
    Stop: () => engine.stop(reference),
    Start: () => engine.start(reference),
    Cancel: () => engine.cancel(reference),
    Cutover: () => engine.cutover(reference),
    Revert: () => engine.revert(reference),
    SkipRevert: () => engine.skipRevert(reference),
  };
  for (const [rpc, call] of Object.entries(calls)) {
    const before = plane.ledger.calls({ rpc: rpc as Rpc }).length;
    plane.fault({ rpc: rpc as Rpc, action: { kind: 'error_before', status: 'UNAVAILABLE' } });
    await expect(call(), rpc).rejects.toMatchObject({ type: 'Ambiguous' });
    expect(plane.ledger.calls({ rpc: rpc as Rpc }).length - before, rpc).toBe(1);
  }
});

test('an engine that is down was sent nothing: unreachable, with the reason and without the address', async () => {
  const { plane, engine } = await startPair({}, { connectTimeoutMs: 300 });
  const reference = { ...(await acceptedApply(engine)), ...CALLER };
  await plane.pause();
  const failure: unknown = await engine.ready({ timeoutMs: 400 }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ type: 'Unreachable', status: null });
  const { message } = failure as EngineFailure;
  expect(message).toMatch(/^deployment eu, remote apply none: .*ECONNREFUSED <address>/);
  expect(message).not.toContain('127.0.0.1');
  const before = plane.ledger.entries.length;
  const stop = engine.stop(reference);
  await expect(stop).rejects.toMatchObject({ type: 'Unreachable' });
  await expect(stop).rejects.toThrow(`remote apply ${reference.remoteApplyId}: Stop was not sent`);
  expect(plane.ledger.entries).toHaveLength(before);
});

test('waiting for an engine ends as soon as it is up, and as soon as it is given up', async () => {
  const { plane, engine } = await startPair();
  await plane.pause();
  const abort = new AbortController();
  const givenUp = engine.ready({ timeoutMs: 60_000, signal: abort.signal });
  abort.abort();
  await expect(givenUp).rejects.toMatchObject({ type: 'Unreachable' });
  const waiting = engine.ready({ timeoutMs: 60_000 });
  await plane.resume();
  await waiting;
  await engine.planDiff(PLAN_REQUEST);
});

test('an answer that does not come is ambiguous at the deadline of its call (C40)', async () => {
  const { plane, engine } = await startPair({}, { deadlineMsMax: 300 });
  const reference = { ...(await acceptedApply(engine)), ...CALLER };
  plane.script('orders_eu', { steps: [{ state: 'STATE_RUNNING', holds: true }] });
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    Progress: () => engine.progress(reference),
    PlanDiff: () => engine.planDiff(PLAN_REQUEST),
    Stop: () => engine.stop(reference),
  };
  for (const [rpc, call] of Object.entries(calls)) {
    const hang = plane.fault({ rpc: rpc as Rpc, action: { kind: 'hang' } });
    await expect(call(), rpc).rejects.toMatchObject({ type: 'Ambiguous', status: 'DEADLINE_EXCEEDED' });
    expect(hang.hits, rpc).toBe(1);
  }
});

test('every call has a deadline', () => {
  for (const { name, deadline } of Object.values(CALLS)) {
    const deadlineMs = deadlineMsOf(deadline, PATIENCE);
    expect(deadlineMs, name).toBeGreaterThan(0);
    expect(deadlineMs, name).toBeLessThanOrEqual(300_000);
  }
});

test('a request above 4 MiB is never sent, and an answer of more than 4 MiB is read (C42)', async () => {
  const { plane, engine } = await startPair();
  const huge = { ...PLAN_REQUEST, schemaFiles: { public: { 'huge.sql': `-- ${'x'.repeat(4 * 1024 * 1024)}` } } };
  await expect(engine.plan(huge)).rejects.toMatchObject({ type: 'PayloadTooLarge' });
  await expect(engine.plan(huge)).rejects.toThrow(/at most 4194304/);
  expect(plane.ledger.calls({ rpc: 'Plan' })).toEqual([]);
  const errors = ['y'.repeat(8 * 1024 * 1024)];
  plane.fault({ rpc: 'Plan', action: { kind: 'rewrite', rewrite: () => ({ errors }) } });
  expect((await engine.plan(PLAN_REQUEST)).errors).toEqual(errors);
});

test('a plan without id and without errors is not believed', async () => {
  const { plane, engine } = await startPair();
  plane.fault({ rpc: 'Plan', action: { kind: 'rewrite', rewrite: () => ({ planId: '' }) } });
  await expect(engine.plan(PLAN_REQUEST)).rejects.toMatchObject({ type: 'ContractBroken' });
});

test('logs are read in the words of the domain', async () => {
  const { plane, engine } = await startPair();
  const reference = await acceptedApply(engine);
  await plane.ledger.until(() => plane.ledger.effects({ effect: 'completed' })[0]);
  const { database, type, target } = PLAN_REQUEST;
  const logs = await engine.logs({ ...reference, database, type, target, limit: 1 });
  expect(logs).toMatchObject([{ level: 'info', newState: 'completed' }]);
});
