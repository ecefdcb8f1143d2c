import { CancelledFailure } from '@temporalio/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createDispatch } from '../../activities/dispatch.js';
import { createResolveDispatch } from '../../activities/resolve-dispatch.js';
import { until } from '../support/until.js';
import { CHANGE, DISPATCH, FakeEngine, SHUTDOWN, attempt, failure, portsOf } from './fake-engine.js';

const ACCEPTED = { kind: 'accepted', remoteApplyId: 'apply-1', remoteOperationId: '11' } as const;
/** Of an engine whose Apply compares for itself, so that nothing has to be read before. */
const DISPATCHED = { ...ACCEPTED, baseline: [] };
const DIFFERENCE = { engine: 'spirit', changes: [CHANGE], lintViolations: [], errors: [], leftovers: [] };
const FOREIGN = { ...CHANGE, ddl: 'ALTER TABLE orders ENGINE=InnoDB, DROP COLUMN hand' };

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
    expect(await environment.run(createDispatch(ports), DISPATCH)).toEqual(DISPATCHED);
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
    expect(await environment.run(createDispatch(portsOf(fake)), DISPATCH)).toEqual({ ...ACCEPTED, baseline: null });
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

describe('the diff that is read before the first send', () => {
  const theirs = { comparesBeforeApply: [false] } as const;
  /** A diff whose option is no part of the plan that adds a column. */
  const PLAN = { ...CHANGE, ddl: 'ALTER TABLE orders ADD COLUMN n6 int' };

  function portsWithPlan(fake: Pick<FakeEngine, 'engine'>) {
    const ports = portsOf(fake);
    return { ...ports, plans: { fetch: () => Promise.resolve({ changes: [PLAN], schemaFiles: {} }) } };
  }

  it('is read once, however often the apply is sent, and what nobody could tell from the plan later is kept', async () => {
    const fake = new FakeEngine({
      ...theirs,
      planDiff: [{ ...DIFFERENCE, changes: [PLAN, FOREIGN] }],
      apply: [failure('Ambiguous'), ACCEPTED],
    });
    const answer = await attempt().run(createDispatch(portsWithPlan(fake)), DISPATCH);
    expect(answer).toEqual({ ...ACCEPTED, baseline: ['public.orders engine = innodb'] });
    expect(fake.calls.filter((call) => call !== 'comparesBeforeApply')).toEqual(['planDiff', 'apply', 'apply']);
  });

  it('is shown for what it is while it is awaited, and gives way to a stop at once: nothing was sent', async () => {
    const fake = new FakeEngine({ ...theirs, apply: [ACCEPTED] });
    let asked = false;
    const planDiff = () => {
      asked = true;
      return new Promise<never>(() => undefined);
    };
    const environment = attempt();
    const running = environment.run(createDispatch(portsWithPlan({ engine: { ...fake.engine, planDiff } })), DISPATCH);
    await until(() => asked && environment.beats.some((beat) => /already/.test(String(beat['detail']))));
    expect(environment.beats.at(-1)).toMatchObject({ started: false });
    environment.cancel();
    expect(await running).toEqual({ kind: 'not_sent', activityAttempt: 1 });
    expect(fake.count('apply')).toBe(0);
  });

  it.each(['Unreachable', 'Ambiguous'] as const)('is tried again after %s, before anything is sent', async (type) => {
    const fake = new FakeEngine({
      ...theirs,
      planDiff: [failure(type), { ...DIFFERENCE, changes: [FOREIGN] }],
      apply: [ACCEPTED],
    });
    const answer = await attempt().run(createDispatch(portsWithPlan(fake)), DISPATCH);
    expect(answer).toMatchObject({ baseline: ['public.orders engine = innodb'] });
    expect(fake.count('planDiff')).toBe(2);
  });

  it.each([
    ['any other error', [failure('EngineInternal', 'catalogue is locked')], 1],
    ['problems in the diff', [{ ...DIFFERENCE, errors: ['cannot parse'] }], 1],
    ['no answer, again and again', [failure('Ambiguous')], 3],
  ] as const)('is done without after %s: what it would have held stays unknown', async (_what, planDiff, reads) => {
    const fake = new FakeEngine({ ...theirs, planDiff, apply: [ACCEPTED] });
    const answer = await attempt().run(createDispatch(portsWithPlan(fake)), DISPATCH);
    expect(answer).toEqual({ ...ACCEPTED, baseline: null });
    expect(fake.count('planDiff')).toBe(reads);
  });

  it('is what an earlier attempt of the dispatch left, or unknown: it may have sent, and its mark may be lost', async () => {
    const fake = new FakeEngine({ ...theirs, planDiff: [{ ...DIFFERENCE, changes: [FOREIGN] }], apply: [ACCEPTED] });
    for (const [details, baseline] of [
      [{ started: true, baseline: ['public.orders engine = innodb'] }, ['public.orders engine = innodb']],
      [{ started: true }, null],
      [{ started: false }, null],
      [undefined, null],
    ] as const) {
      const second = attempt({ attempt: 2, heartbeatDetails: details });
      expect(await second.run(createDispatch(portsWithPlan(fake)), DISPATCH)).toEqual({ ...ACCEPTED, baseline });
    }
    expect(fake.count('planDiff')).toBe(0);
  });

  it('is unknown where a workflow that is gone may have sent: its first attempt is not the first send', async () => {
    const fake = new FakeEngine({ ...theirs, planDiff: [{ ...DIFFERENCE, changes: [FOREIGN] }], apply: [ACCEPTED] });
    const answer = await attempt().run(createDispatch(portsWithPlan(fake)), { ...DISPATCH, perhapsSent: true });
    expect(answer).toEqual({ ...ACCEPTED, baseline: null });
    expect(fake.count('planDiff')).toBe(0);
  });
});

function dispatchMeeting(type: 'PayloadTooLarge' | 'EngineRefused') {
  return attempt().run(createDispatch(portsOf(new FakeEngine({ apply: [failure(type)] }))), DISPATCH);
}
