import { describe, expect, it } from 'vitest';
import { query } from '../../dev/demo/database.js';
import { DEPLOYMENTS, openTheatre, operation, summary } from './theatre.js';

const theatre = await openTheatre();
const { stack, client } = theatre;

/** Frozen, so that what it receives is neither lost nor answered. */
function freeze(): () => void {
  const { running } = stack.deployment('a').engine;
  if (running === null) throw new Error('the engine of a is not running');
  running.kill('SIGSTOP');
  return () => running.kill('SIGCONT');
}

/** One apply, done once: what nothing that crashes may change (I1). */
async function expectOneApply(status: Awaited<ReturnType<typeof client.status>>): Promise<void> {
  expect(summary(status)).toBe('a=completed b=completed c=completed');
  for (const name of DEPLOYMENTS) {
    const records = await theatre.records(name);
    expect(records).toMatchObject([{ state: 'completed', remoteApplyId: operation(status, name).remoteApplyId }]);
    expect(await theatre.hasIndex(name)).toBe(true);
  }
}

describe('remote ids, on real engines', () => {
  it('each operation has its own, and every call carries the id of its own operation', async () => {
    const apply = await theatre.apply({ maxConcurrency: 3 });
    const status = await theatre.ended(apply);
    await expectOneApply(status);
    expect(new Set(status.operations.map(({ remoteApplyId }) => remoteApplyId)).size).toBe(3);
  });

  it('a worker killed after the engine accepted and before the reply is recorded finds that same apply again', async () => {
    const plan = await theatre.plan({ maxConcurrency: 3 });
    const unfreeze = freeze();
    const { apply } = await client.apply(plan);
    await theatre.until(apply, (status) => operation(status, 'a').started);
    await stack.worker.crash();
    unfreeze();
    await theatre.untilTrue(async () => (await theatre.records('a')).length === 1);
    await stack.worker.start();
    await expectOneApply(await theatre.ended(apply));
  });

  it('a worker killed in the middle of watching goes on with exactly that apply', async () => {
    const letGo = await theatre.hold('a');
    const apply = await theatre.apply({ maxConcurrency: 3 });
    const before = await theatre.until(apply, (status) => operation(status, 'a').waitingOn !== '');
    await stack.worker.crash();
    await stack.worker.start();
    await letGo();
    const after = await theatre.ended(apply);
    await expectOneApply(after);
    expect(operation(after, 'a').remoteApplyId).toBe(operation(before, 'a').remoteApplyId);
  });

  it('an engine killed in mid-apply goes on where it was', async () => {
    const letGo = await theatre.hold('a');
    const apply = await theatre.apply({ maxConcurrency: 3 });
    await theatre.until(apply, (status) => operation(status, 'a').waitingOn !== '');
    await stack.deployment('a').engine.crash();
    await theatre.until(apply, (status) => operation(status, 'a').unreachableSince !== null);
    await stack.deployment('a').engine.start();
    await letGo();
    await expectOneApply(await theatre.ended(apply));
  });

  it('of two applies on one target the second is refused before it dispatched anything, and names the holder', async () => {
    const letGo = await theatre.hold('a');
    const first = await theatre.apply({ maxConcurrency: 3 });
    await theatre.until(first, (status) => operation(status, 'a').waitingOn !== '');
    const second = await theatre.apply();
    const refused = await theatre.ended(second);
    expect(refused).toMatchObject({ state: 'failed', startedAt: null });
    expect(refused.message).toContain(first);
    expect(refused.operations.every(({ started }) => !started)).toBe(true);
    await letGo();
    await expectOneApply(await theatre.ended(first));
  });

  it('an apply that was terminated is started again; its own former children are no conflict', async () => {
    const letGo = await theatre.hold('a');
    const apply = await theatre.apply();
    await theatre.until(apply, (status) => operation(status, 'a').waitingOn !== '');
    await theatre.temporal.workflow.getHandle(apply).terminate('a test');
    expect((await client.status(apply)).interrupted).not.toBeNull();
    await client.start(apply);
    await letGo();
    await expectOneApply(await theatre.ended(apply));
    expect(await query(stack.deployment('a').dsn, 'select 1 from pg_index where not indisvalid')).toEqual([]);
  });
});
