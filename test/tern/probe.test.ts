import { credentials } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { TernClient } from '../../proto/gen/tern.js';
import { DEPLOYMENT, PLAN_REQUEST, acceptedApply, startPair } from '../support/engine-pair.js';
import { startScriptedEngine } from '../support/scripted-engine.js';

const STRANGER = { remoteApplyId: 'apply-0000000000000000', environment: 'production', remoteOperationId: null };

test('an engine that names capabilities is proven by Health alone', async () => {
  const { plane, engine } = await startPair();
  await engine.planDiff(PLAN_REQUEST);
  expect(plane.ledger.calls().map(({ rpc }) => rpc)).toEqual(['Health', 'PlanDiff']);
  expect(await engine.health()).toEqual({
    status: 'ok',
    version: 'scripted-1',
    capabilities: ['direct_execution.max_table_bytes', 'skein.lookup_by_key'],
    dialect: 'full',
  });
});

test('an engine that names nothing is proven by Logs for a random apply, and is limited', async () => {
  const { plane, engine } = await startPair({ dialect: 'limited' });
  expect((await engine.health()).dialect).toBe('limited');
  const logs = plane.ledger.calls({ rpc: 'Logs' });
  expect(logs.map(({ outcome }) => outcome)).toEqual(['NOT_FOUND']);
  expect(logs[0]?.remoteApplyId).toMatch(/^skein-probe-[0-9a-f]{16}$/);
});

test('an engine of several targets answers the probe with INTERNAL, which proves it too (engine contract 5.6)', async () => {
  const { plane, engine } = await startPair({ dialect: 'limited', targets: ['orders_eu', 'orders_us'] });
  expect((await engine.health()).dialect).toBe('limited');
  expect(plane.ledger.calls({ rpc: 'Logs' })[0]?.outcome).toBe('INTERNAL');
});

test('an engine of the old dialect is refused, and neither Stop nor Progress ever reaches it (C45)', async () => {
  const { plane, engine } = await startPair({ dialect: 'old' });
  const control = { ...STRANGER, caller: 'skein' };
  const calls = [
    () => engine.stop(control),
    () => engine.cancel(control),
    () => engine.start(control),
    () => engine.cutover(control),
    () => engine.progress(STRANGER),
    () => engine.plan(PLAN_REQUEST),
    () => engine.planDiff(PLAN_REQUEST),
    () => engine.ready({ timeoutMs: 5_000 }),
    () => engine.health(),
    () => engine.findApply({ idempotencyKey: 'k', target: 'orders_eu' }),
  ];
  for (const call of calls)
    await expect(call()).rejects.toMatchObject({ type: 'DialectTooOld', status: 'UNIMPLEMENTED' });
  expect(new Set(plane.ledger.calls().map(({ rpc }) => rpc))).toEqual(new Set(['Health']));
  expect(plane.ledger.effects()).toEqual([]);
});

test('the accident that the probe prevents is real: a renumbered Stop stops a whole database of the old dialect', async () => {
  const plane = await startScriptedEngine({ targets: ['orders_eu'], dialect: 'old' });
  const client = new TernClient(plane.address, credentials.createInsecure());
  await new Promise<void>((resolve, reject) => {
    client.stop({ applyId: 'apply-1', environment: 'production', caller: '' }, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  client.close();
  expect(plane.ledger.effects().map(({ effect }) => effect)).toEqual(['stopped_everything']);
  await plane.stop();
});

test('one probe serves all calls of a connection, also those that come at once', async () => {
  const { plane, engine } = await startPair({ dialect: 'limited' });
  await Promise.all(Array.from({ length: 20 }, () => engine.planDiff(PLAN_REQUEST)));
  expect(plane.ledger.calls({ rpc: 'Health' })).toHaveLength(1);
  expect(plane.ledger.calls({ rpc: 'Logs' })).toHaveLength(1);
});

test('a new connection is probed again before anything else is sent over it', async () => {
  const { plane, engine } = await startPair();
  const reference = await acceptedApply(engine);
  await plane.pause();
  await plane.resume();
  await engine.ready({ timeoutMs: 10_000 });
  const before = plane.ledger.entries.length;
  await engine.progress(reference);
  const health = plane.ledger.calls({ rpc: 'Health' });
  expect(health).toHaveLength(2);
  expect(health[1]?.sequence).toBeLessThan(before);
});

test('an engine that is not serving yet is unreachable, and is not asked for anything', {
  timeout: 60_000,
}, async () => {
  const { plane, engine } = await startPair();
  plane.fault({
    rpc: 'Health',
    times: Infinity,
    action: { kind: 'error_before', status: 'UNAVAILABLE', message: 'service unavailable' },
  });
  await expect(engine.ready({ timeoutMs: 3_000 })).rejects.toMatchObject({
    type: 'Unreachable',
    status: 'UNAVAILABLE',
  });
  expect(plane.ledger.calls({ rpc: 'Health' }).length).toBeGreaterThan(1);
  plane.clearFaults();
  await engine.ready({ timeoutMs: 30_000 });
  expect(plane.ledger.calls().every(({ rpc }) => rpc === 'Health')).toBe(true);
});

test('a proxy that answers for the engine proves nothing', async () => {
  const { plane, engine } = await startPair({ dialect: 'limited' });
  plane.fault({ rpc: 'Logs', times: Infinity, action: { kind: 'error_before', status: 'UNAVAILABLE' } });
  await expect(engine.ready({ timeoutMs: 300 })).rejects.toMatchObject({ type: 'Unreachable' });
  await expect(engine.ready({ timeoutMs: 300 })).rejects.toThrow(
    new RegExp(`^deployment ${DEPLOYMENT}, remote apply none: the request was not sent`),
  );
});

test.each(['UNAUTHENTICATED', 'PERMISSION_DENIED'] as const)('a probe that is %s says so at once', async (status) => {
  const { plane, engine } = await startPair();
  plane.fault({ rpc: 'Health', action: { kind: 'error_before', status } });
  await expect(engine.ready({ timeoutMs: 5_000 })).rejects.toMatchObject({ type: 'AccessDenied', status });
});
