import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import type { RunningProcess } from '../../dev/process.js';
import { type Deployment, openTheatre, operation, summary } from './theatre.js';

const theatre = await openTheatre();
const { stack, client } = theatre;

/** `temporal` as a person types it. */
async function temporal(...args: readonly string[]): Promise<void> {
  const program = inject('temporalProgram');
  if (program.kind === 'unavailable') throw new Error(program.because);
  await promisify(execFile)(program.path, ['--address', stack.temporal.address, ...args]);
}

function runningEngine(deployment: Deployment): RunningProcess {
  const { running } = stack.deployment(deployment).engine;
  if (running === null) throw new Error(`the engine of ${deployment} is not running`);
  return running;
}

describe('stop, on real databases', () => {
  it('under continue: the first failed, nothing else starts, the parent fails with its message, and the stop has settled', async () => {
    await theatre.addDuplicate('a');
    const letGo = await theatre.hold('a');
    const apply = await theatre.apply({ onFailure: 'continue' });
    await theatre.until(apply, (status) => operation(status, 'a').waitingOn !== '');
    await stack.worker.crash();
    await letGo();
    await temporal('workflow', 'signal', '--workflow-id', apply, '--name', 'stop');
    await stack.worker.start();
    const status = await theatre.ended(apply);
    expect(summary(status)).toBe('a=failed b=stopped c=stopped');
    expect(status.state).toBe('failed');
    expect(status.message).toMatch(/^a: .*customers_email_key/);
    expect(status.controls).toMatchObject([{ name: 'stop', settledAt: expect.any(String) }]);
    for (const name of ['b', 'c'] as const) {
      expect(operation(status, name)).toMatchObject({ started: false, completedAt: null, reason: 'operator' });
      expect(await theatre.records(name)).toEqual([]);
    }
  });

  it('while running stops the build on its engine and leaves nothing behind; start finishes it', async () => {
    const letGo = await theatre.hold('a');
    const apply = await theatre.apply();
    await theatre.until(apply, (status) => operation(status, 'a').waitingOn !== '');
    const report = await client.stop(apply);
    expect(report.deployments).toEqual({ a: 'stopping', b: 'not_started', c: 'not_started' });
    const stopped = await theatre.ended(apply);
    expect(summary(stopped)).toBe('a=stopped b=stopped c=stopped');
    expect(stopped).toMatchObject({ state: 'stopped', completedAt: null });
    expect((await theatre.records('a')).map(({ state }) => state)).toEqual(['stopped']);
    expect(await theatre.records('b')).toEqual([]);
    await letGo();
    await client.start(apply);
    const finished = await theatre.ended(apply);
    expect(summary(finished)).toBe('a=completed b=completed c=completed');
    expect(operation(finished, 'a').remoteApplyId).toBe(operation(stopped, 'a').remoteApplyId);
    for (const name of ['a', 'b', 'c'] as const) {
      expect(await theatre.records(name)).toHaveLength(1);
      expect(await theatre.hasIndex(name)).toBe(true);
    }
  });

  it('between "sent" and the reply waits for the id and stops that very apply', async () => {
    await theatre.hold('a');
    const plan = await theatre.plan();
    const engine = runningEngine('a');
    engine.kill('SIGSTOP');
    const { apply } = await client.apply(plan);
    await theatre.until(apply, (status) => operation(status, 'a').started);
    await temporal('workflow', 'signal', '--workflow-id', apply, '--name', 'stop');
    await theatre.until(apply, (status) => summary(status).endsWith('b=stopped c=stopped'));
    expect((await client.status(apply)).state).toBe('stopping');
    engine.kill('SIGCONT');
    const status = await theatre.ended(apply);
    expect(summary(status)).toBe('a=stopped b=stopped c=stopped');
    const records = await theatre.records('a');
    expect(records).toMatchObject([{ state: 'stopped', remoteApplyId: operation(status, 'a').remoteApplyId }]);
  });

  it('survives a worker that is killed after the Stop call and before its reply', async () => {
    await theatre.hold('a');
    const apply = await theatre.apply();
    await theatre.until(apply, (status) => operation(status, 'a').waitingOn !== '');
    const engine = runningEngine('a');
    engine.kill('SIGSTOP');
    await temporal('workflow', 'signal', '--workflow-id', apply, '--name', 'stop');
    await theatre.until(apply, (status) => status.state === 'stopping');
    await stack.worker.crash();
    engine.kill('SIGCONT');
    await stack.worker.start();
    const status = await theatre.ended(apply);
    expect(summary(status)).toBe('a=stopped b=stopped c=stopped');
    expect((await theatre.records('a')).map(({ state }) => state)).toEqual(['stopped']);
  });
});
