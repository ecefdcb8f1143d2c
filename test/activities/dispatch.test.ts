import { CancelledFailure } from '@temporalio/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createDispatch } from '../../activities/dispatch.js';
import { createResolveDispatch } from '../../activities/resolve-dispatch.js';
import { until } from '../support/until.js';
import { DISPATCH, FakeEngine, SHUTDOWN, attempt, failure, portsOf } from './fake-engine.js';

const ACCEPTED = { kind: 'accepted', remoteApplyId: 'apply-1', remoteOperationId: '11' } as const;

afterEach(() => {
  vi.useRealTimers();
});

describe('dispatch', () => {
  it('says in its heartbeat that it may have sent, while the answer is out', async () => {
    const fake = new FakeEngine({});
    const environment = attempt();
    const sent = () => environment.beats.find((beat) => beat['started'] === true);
    const apply = async () => {
      await until(() => sent() !== undefined);
      return ACCEPTED;
    };
    const ports = portsOf({ engine: { ...fake.engine, apply } });
    expect(await environment.run(createDispatch(ports), DISPATCH)).toEqual(ACCEPTED);
    expect(sent()).toMatchObject({ state: 'dispatching', startedAt: DISPATCH.scope.startedAt });
  });

  it.each([true, false])(
    'says whether to defer the cutover (%j), in every send and in the one that settles it',
    async (deferCutover) => {
      const sent: unknown[] = [];
      const fake = new FakeEngine({ findApply: [{ kind: 'unsupported' }] });
      const apply = async (request: unknown) => {
        sent.push(request);
        if (sent.length === 1) throw failure('Ambiguous');
        return ACCEPTED;
      };
      const ports = portsOf({ engine: { ...fake.engine, apply } });
      await attempt().run(createDispatch(ports), { ...DISPATCH, deferCutover });
      await attempt().run(createResolveDispatch(ports), { ...DISPATCH, deferCutover, purpose: 'settle' });
      expect(sent).toHaveLength(3);
      for (const request of sent) expect(request).toEqual({ ...Object(sent[0]), deferCutover });
    },
  );

  it('that could not reach its engine and is cancelled by the workflow was not sent, and says in which attempt', async () => {
    const fake = new FakeEngine({ ready: [failure('Unreachable')], apply: [ACCEPTED] });
    const environment = attempt({ attempt: 3 });
    const running = environment.run(createDispatch(portsOf(fake)), DISPATCH);
    await until(() => fake.count('ready') > 0);
    environment.cancel();
    expect(await running).toEqual({ kind: 'not_sent', activityAttempt: 3 });
    expect(fake.count('apply')).toBe(0);
  });

  it('that is cut short by a shutdown of its worker says nothing of the kind', async () => {
    const fake = new FakeEngine({ ready: [failure('Unreachable')] });
    const environment = attempt();
    const running = environment.run(createDispatch(portsOf(fake)), DISPATCH);
    const ended = expect(running).rejects.toBeInstanceOf(CancelledFailure);
    await until(() => fake.count('ready') > 0);
    environment.cancel('WORKER_SHUTDOWN', SHUTDOWN);
    await ended;
  });

  it('that was sent and is cancelled leaves it open whether it was accepted', async () => {
    const fake = new FakeEngine({ apply: [failure('Ambiguous')] });
    const environment = attempt();
    const running = environment.run(createDispatch(portsOf(fake)), DISPATCH);
    const ended = expect(running).rejects.toBeInstanceOf(CancelledFailure);
    await until(() => fake.count('apply') > 0);
    environment.cancel();
    await ended;
  });

  it('counts the errors of a live engine over all its attempts, not from each anew', async () => {
    const fake = new FakeEngine({ apply: [failure('EngineInternal', 'disk is full')] });
    const internalSince = new Date(Date.now() - 601_000).toISOString();
    const environment = attempt({ attempt: 2, heartbeatDetails: { state: 'dispatching', internalSince } });
    const answer = await environment.run(createDispatch(portsOf(fake)), DISPATCH);
    expect(answer).toMatchObject({ kind: 'unconfirmed', message: expect.stringContaining('disk is full') });
    expect(answer).toMatchObject({ message: expect.stringContaining(`nothing but errors since ${internalSince}`) });
    expect(fake.count('apply')).toBe(1);
  });

  it('begins to count anew when something else came between', async () => {
    const fake = new FakeEngine({ apply: [failure('Ambiguous'), failure('EngineInternal'), ACCEPTED] });
    const internalSince = new Date(Date.now() - 601_000).toISOString();
    const environment = attempt({ attempt: 2, heartbeatDetails: { state: 'dispatching', internalSince } });
    expect(await environment.run(createDispatch(portsOf(fake)), DISPATCH)).toEqual(ACCEPTED);
    expect(fake.count('apply')).toBe(3);
  });

  it.each([
    ['PayloadTooLarge', 'refused'],
    ['DialectTooOld', 'refused'],
    ['EngineRefused', 'refused'],
    ['ContractBroken', 'unconfirmed'],
  ] as const)('takes %s for %s, and does not send again', async (type, kind) => {
    const fake = new FakeEngine({ apply: [failure(type)] });
    const answer = await attempt().run(createDispatch(portsOf(fake)), DISPATCH);
    expect(answer).toMatchObject({
      kind,
      message: `scripted ${type} [deployment eu, remote apply none, attempt 0]`,
    });
    expect(fake.count('apply')).toBe(1);
  });

  it('knows that what was too large never left, and that what was refused did', async () => {
    expect(await dispatchMeeting('PayloadTooLarge')).toMatchObject({ kind: 'refused', sent: false });
    expect(await dispatchMeeting('EngineRefused')).toMatchObject({ kind: 'refused', sent: true });
  });

  it('sends nothing from a process that stood still so long that the attempt is somebody else’s', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const fake = new FakeEngine({ apply: [ACCEPTED] });
    const ports = portsOf(fake);
    const frozen = { ...fake.engine, ready: async () => void vi.setSystemTime(Date.now() + 11_000) };
    const run = attempt().run(
      createDispatch({ ...ports, engines: { ...ports.engines, engineFor: () => frozen } }),
      DISPATCH,
    );
    await expect(run).rejects.toMatchObject({ type: 'LookAgain', nonRetryable: false });
    expect(fake.count('apply')).toBe(0);
  });
});

function dispatchMeeting(type: 'PayloadTooLarge' | 'EngineRefused') {
  return attempt().run(createDispatch(portsOf(new FakeEngine({ apply: [failure(type)] }))), DISPATCH);
}
