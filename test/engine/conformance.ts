import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApplyRequest, type PlanResponse, State } from '../../proto/gen/tern.js';
import { until } from '../support/until.js';
import { ENDED, type Files, onWire, RawClient, statusOf } from './raw-client.js';

/**
 * An engine under test and the handful of things that a conformance check must be able to arrange around it. The desired
 * schemas are the engine's own, because engines differ in what they can plan.
 */
export interface ConformanceSubject {
  readonly address: string;
  readonly target: string;
  readonly schemas: {
    /** What the target holds after `fresh`: at least two tables. */
    readonly base: Files;
    /** One change more than `base`, whose work `hold` can hold up. */
    readonly additive: Files;
    /** Another change than `additive`. */
    readonly other: Files;
    /** `additive` and one change more, whose work `hold` can hold up. */
    readonly further: Files;
    /** One change that clients can see, so that it waits for the cutover where that is deferred. */
    readonly visible: Files;
    /** `additive` and `visible`. */
    readonly additiveAndVisible: Files;
    /** One table less. */
    readonly destructive: Files;
    /** Not SQL, in the file `broken.sql`. */
    readonly invalid: Files;
    /** A change that the engine marks blocked. */
    readonly blocked: Files;
    /** A change that is accepted and then fails for good. */
    readonly failing: Files;
  };
  /** Brings the target to `base`, with nothing under way and no history. */
  fresh(): Promise<void>;
  /** Makes the work of the next apply last until the returned function is called. */
  hold(): Promise<() => Promise<void>>;
  /** How many schema changes have taken effect on the target since `fresh`, counted there and not by the engine. */
  effects(): Promise<number>;
  /** Changes the live schema behind the engine's back. */
  drift(): Promise<void>;
  /** Ends the engine abruptly and starts it again; the address may change. Null where the engine keeps nothing. */
  readonly restart: (() => Promise<string>) | null;
  close(): Promise<void>;
}

/** What a caller sends along when the engine may not know the plan. */
function payload(planned: PlanResponse, files: Files) {
  return {
    planId: 'plan-of-another-engine',
    ddlChanges: planned.changes.flatMap((change) => change.tableChanges),
    schemaFiles: onWire(files),
  };
}

/** The checks E01 to E48 of the engine contract that apply to every engine with one target and no members. */
export function engineConformance({ name, start }: { name: string; start: () => Promise<ConformanceSubject> }): void {
  describe(`engine conformance: ${name}`, () => {
    let subject: ConformanceSubject;
    let client: RawClient;
    let keys = 0;
    const nextKey = () => `key-${(keys += 1)}`;

    beforeAll(async () => {
      subject = await start();
      client = new RawClient(subject.address);
    });
    afterAll(async () => {
      client.close();
      await subject.close();
    });
    beforeEach(() => subject.fresh());

    const plan = (files: Files) => client.plan(subject.target, files);
    const applyPlan = (planned: PlanResponse, more: Partial<ApplyRequest> = {}) =>
      client.apply({ planId: planned.planId, target: subject.target, idempotencyKey: nextKey(), ...more });
    /** Plans and applies, expecting acceptance. */
    const accepted = async (files: Files, more: Partial<ApplyRequest> = {}) => {
      const answer = await applyPlan(await plan(files), more);
      expect(answer.errorMessage).toBe('');
      expect(answer.accepted).toBe(true);
      return answer;
    };

    const reconnect = async (restart: () => Promise<string>) => {
      client.close();
      client = new RawClient(await restart());
      await until(async () => (await client.health()).status === 'ok');
    };

    describe('transport and health', () => {
      it('E01 answers UNIMPLEMENTED for a call that the contract no longer has', async () => {
        expect(await statusOf(client.raw('/tern.v1.Tern/Volume', new Uint8Array()))).toBe('UNIMPLEMENTED');
      });
      it('E02 E03 is healthy, with a well-formed version and its capabilities', async () => {
        const health = await client.health();
        expect(health.status).toBe('ok');
        expect(health.version).toMatch(/^[A-Za-z0-9.\-+_]{0,64}$/);
        expect(health.capabilities).toContain('skein.lookup_by_key');
      });
      it('E04 ignores fields that it does not know', async () => {
        const unknown = Buffer.from('f2ff0303616263', 'hex');
        expect(await statusOf(client.raw('/tern.v1.Tern/Health', unknown))).toBe('OK');
      });
      it('E05 answers bytes that are no message with an error, and goes on', async () => {
        expect(await statusOf(client.raw('/tern.v1.Tern/Plan', Buffer.from('ffffffffffffffff', 'hex')))).not.toBe('OK');
        expect((await client.health()).status).toBe('ok');
      });
      it('E06 refuses a request above 4 MiB and goes on', async () => {
        const huge = { public: { 'huge.sql': '-'.repeat(5 * 1024 * 1024) } };
        expect(await statusOf(plan(huge))).toBe('RESOURCE_EXHAUSTED');
        expect((await client.health()).status).toBe('ok');
      });
      it('E07 refuses an empty apply id on every call that needs one', async () => {
        const calls = [
          client.progress(''),
          client.logs(''),
          client.stop(''),
          client.start(''),
          client.cancel(''),
          client.cutover(''),
          client.revert(''),
          client.skipRevert(''),
        ];
        expect(await Promise.all(calls.map(statusOf))).toEqual(calls.map(() => 'INVALID_ARGUMENT'));
      });
    });

    describe('plan', () => {
      it('E08 plans without touching the target, as often as one likes', async () => {
        const [first, second] = [await plan(subject.schemas.additive), await plan(subject.schemas.additive)];
        expect(first.planId).not.toBe('');
        expect(second.planId).not.toBe('');
        expect(second.changes).toEqual(first.changes);
        expect(await subject.effects()).toBe(0);
      });
      it('E09 names the file and the place of an SQL problem', async () => {
        const planned = await plan(subject.schemas.invalid);
        expect(planned.errors.join()).toContain('broken.sql');
        expect(planned.changes).toEqual([]);
      });
      it('E10 has no changes when there is no difference', async () => {
        const planned = await plan(subject.schemas.base);
        expect(planned.errors).toEqual([]);
        expect(planned.changes).toEqual([]);
      });
      it('E11 has one entry per namespace', async () => {
        const { changes } = await plan(subject.schemas.additive);
        expect(changes.length).toBeGreaterThan(0);
        expect(new Set(changes.map(({ namespace }) => namespace)).size).toBe(changes.length);
      });
      it('E12 marks a drop unsafe and what it will not run blocked, each with its reason', async () => {
        const drops = (await plan(subject.schemas.destructive)).changes.flatMap((change) => change.tableChanges);
        expect(drops.filter((change) => change.isUnsafe && change.unsafeReason !== '')).toHaveLength(1);
        const refused = (await plan(subject.schemas.blocked)).changes.flatMap((change) => change.tableChanges);
        expect(refused.some((change) => change.executionMode === 'blocked' && change.modeReason !== '')).toBe(true);
      });
      it('E13 says the same in PlanDiff', async () => {
        const planned = await plan(subject.schemas.additive);
        const compared = await client.planDiff(subject.target, subject.schemas.additive);
        expect(compared.changes).toEqual(planned.changes);
        expect(compared.changes.length).toBeGreaterThan(0);
      });
    });

    describe('apply', () => {
      it('E15 refuses an Apply without plan or environment', async () => {
        const { planId } = await plan(subject.schemas.additive);
        expect(await statusOf(client.apply({ planId: '', target: subject.target }))).not.toBe('OK');
        expect(await statusOf(client.apply({ planId, target: subject.target, environment: '' }))).not.toBe('OK');
        expect(await subject.effects()).toBe(0);
      });
      it('E16 refuses a plan that it does not know and that comes without its payload', async () => {
        const answer = await client.apply({
          planId: 'plan-unknown',
          target: subject.target,
          idempotencyKey: nextKey(),
        });
        expect(answer).toMatchObject({ accepted: false, applyId: '', errorMessage: 'plan not found' });
      });
      it('E17 accepts a plan that comes with its payload and still fits', async () => {
        const planned = await plan(subject.schemas.additive);
        const answer = await applyPlan(planned, payload(planned, subject.schemas.additive));
        expect(answer.accepted).toBe(true);
        expect((await client.untilState(answer.applyId, ENDED)).state).toBe(State.STATE_COMPLETED);
        expect(await subject.effects()).toBe(1);
      });
      it('E17 refuses such a plan once the live schema has drifted', async () => {
        const planned = await plan(subject.schemas.additive);
        await subject.drift();
        await expect(applyPlan(planned, payload(planned, subject.schemas.additive))).rejects.toThrow(/drifted/);
        expect(await subject.effects()).toBe(0);
      });
      it('E18 runs an unsafe change only when that is allowed', async () => {
        const planned = await plan(subject.schemas.destructive);
        const refused = await applyPlan(planned);
        expect(refused.accepted).toBe(false);
        expect(refused.errorMessage).toContain('retry with allow_unsafe=true');
        const answer = await applyPlan(planned, { options: { allow_unsafe: 'true' } });
        expect(answer.accepted).toBe(true);
        await client.untilState(answer.applyId, [State.STATE_COMPLETED]);
        expect(await subject.effects()).toBe(1);
      });
      it('E19 refuses a blocked change whatever the options', async () => {
        const answer = await applyPlan(await plan(subject.schemas.blocked), { options: { allow_unsafe: 'true' } });
        expect(answer).toMatchObject({ accepted: false, applyId: '' });
        expect(answer.errorMessage).toContain('blocked');
      });
      it('E20 E22 answers before the work is done, and the work goes on when the caller is gone', async () => {
        const release = await subject.hold();
        const planned = await plan(subject.schemas.additive);
        const caller = new RawClient(subject.address);
        const answer = await caller.apply({
          planId: planned.planId,
          target: subject.target,
          idempotencyKey: nextKey(),
        });
        caller.close();
        expect(answer.applyId).not.toBe('');
        expect(answer.applyOperationId).toMatch(/^\d+$/);
        expect(answer.operationKey).toBe('');
        expect(ENDED).not.toContain((await client.progress(answer.applyId)).state);
        await release();
        expect((await client.untilState(answer.applyId, ENDED)).state).toBe(State.STATE_COMPLETED);
      });
      it('E23 E24 gives the same ids to a repeat, while it runs and after it has ended', async () => {
        const release = await subject.hold();
        const planned = await plan(subject.schemas.additive);
        const request = { idempotencyKey: nextKey() };
        const first = await applyPlan(planned, request);
        expect(await applyPlan(planned, request)).toEqual(first);
        await release();
        await client.untilState(first.applyId, [State.STATE_COMPLETED]);
        expect(await applyPlan(planned, request)).toEqual(first);
        expect(await subject.effects()).toBe(1);
      });
      it('E24 gives the same ids to a repeat after a failure and after a cancel, and runs nothing', async () => {
        const failing = await plan(subject.schemas.failing);
        const failedKey = { idempotencyKey: nextKey() };
        const failed = await applyPlan(failing, failedKey);
        await client.untilState(failed.applyId, [State.STATE_FAILED]);
        expect(await applyPlan(failing, failedKey)).toEqual(failed);

        const release = await subject.hold();
        const planned = await plan(subject.schemas.additive);
        const cancelledKey = { idempotencyKey: nextKey() };
        const cancelled = await applyPlan(planned, cancelledKey);
        await client.cancel(cancelled.applyId);
        await client.untilState(cancelled.applyId, [State.STATE_CANCELLED]);
        await release();
        expect(await applyPlan(planned, cancelledKey)).toEqual(cancelled);
        expect(await subject.effects()).toBe(0);
      });
      it('E25 refuses a key that was used for another database, type or environment', async () => {
        const planned = await plan(subject.schemas.additive);
        const idempotencyKey = nextKey();
        const { applyId } = await applyPlan(planned, { idempotencyKey });
        for (const other of [{ database: 'stock' }, { type: 'mysql' }, { environment: 'staging' }]) {
          expect(await statusOf(applyPlan(planned, { idempotencyKey, ...other }))).not.toBe('OK');
        }
        await client.untilState(applyId, [State.STATE_COMPLETED]);
      });
      it('E26 makes one apply of fifty calls with one key', async () => {
        const planned = await plan(subject.schemas.additive);
        const request = { idempotencyKey: nextKey() };
        const answers = await Promise.all(Array.from({ length: 50 }, () => applyPlan(planned, request)));
        expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
        expect(answers[0]?.accepted).toBe(true);
        await client.untilState(answers[0]?.applyId ?? '', [State.STATE_COMPLETED]);
        expect(await subject.effects()).toBe(1);
      });
      it('E28 E29 tells another caller who holds the database, without naming ids in public', async () => {
        const other = await plan(subject.schemas.other);
        const release = await subject.hold();
        const holder = await accepted(subject.schemas.additive);
        const refused = await applyPlan(other);
        expect(refused).toMatchObject({ accepted: false, applyId: '' });
        expect(refused.errorMessage).toContain('schema change already in progress');
        expect(refused.errorMessage).not.toContain(holder.applyId);
        expect(refused.conflict).toMatchObject({ holderExternalId: holder.applyId, caller: 'tester' });
        expect(refused.conflict?.blockingState).not.toBe('');
        await release();
        await client.untilState(holder.applyId, [State.STATE_COMPLETED]);
        expect(await subject.effects()).toBe(1);
      });
      it('E32 E33 refuses shards and members that it does not have', async () => {
        const planned = await plan(subject.schemas.additive);
        expect((await applyPlan(planned, { targetShards: ['-80', '80-'] })).accepted).toBe(false);
        expect((await applyPlan(planned, { options: { member_target: 'elsewhere' } })).accepted).toBe(false);
        expect(await subject.effects()).toBe(0);
      });
    });

    describe('progress', () => {
      it('E34 does not know what it does not know', async () => {
        expect(await statusOf(client.progress('apply-0000000000000000'))).toBe('NOT_FOUND');
        expect(await statusOf(client.logs('apply-0000000000000000'))).toBe('NOT_FOUND');
      });
      it('E35 changes nothing by being asked', async () => {
        const { applyId } = await accepted(subject.schemas.additive);
        const first = await client.untilState(applyId, [State.STATE_COMPLETED]);
        for (let batch = 0; batch < 10; batch += 1) {
          await Promise.all(Array.from({ length: 20 }, () => client.progress(applyId)));
        }
        expect(await client.progress(applyId)).toEqual(first);
        expect(await subject.effects()).toBe(1);
      });
      it('E38 says which table failed and why', async () => {
        const { applyId } = await accepted(subject.schemas.failing);
        const answer = await client.untilState(applyId, [State.STATE_FAILED]);
        expect(answer.errorMessage).not.toBe('');
        expect(answer.tables.filter((table) => table.status === 'failed')).toHaveLength(1);
      });
      it('E39 answers for an operation, echoes its id, and refuses one of another apply', async () => {
        const first = await accepted(subject.schemas.additive);
        await client.untilState(first.applyId, [State.STATE_COMPLETED]);
        const scoped = await client.progress(first.applyId, { applyOperationId: first.applyOperationId });
        expect(scoped.applyOperationId).toBe(first.applyOperationId);
        expect((await client.progress(first.applyId)).applyOperationId).toBe('');
        for (const applyOperationId of ['999999', 'twelve']) {
          expect(await statusOf(client.progress(first.applyId, { applyOperationId }))).not.toBe('OK');
        }
      });
    });

    describe('control', () => {
      it('E41 E43 E46 stops, resumes once however often it is asked, and shows both as settled', async () => {
        const release = await subject.hold();
        const { applyId } = await accepted(subject.schemas.additive);
        const stops = await Promise.all([client.stop(applyId), client.stop(applyId)]);
        expect(stops.map((answer) => answer.accepted)).toEqual([true, true]);
        const stopped = await client.untilState(applyId, [State.STATE_STOPPED]);
        expect(stopped.settledControlRequests).toMatchObject([
          { operation: 'stop', status: 'completed', requestedBy: 'tester' },
        ]);
        expect(await subject.effects()).toBe(0);
        await release();
        const starts = await Promise.all([client.start(applyId), client.start(applyId)]);
        expect(starts.map((answer) => answer.accepted)).toEqual([true, true]);
        const completed = await client.untilState(applyId, [State.STATE_COMPLETED]);
        const settled = completed.settledControlRequests.map(({ operation, status }) => `${operation} ${status}`);
        expect(settled.toSorted()).toEqual(['start completed', 'stop completed']);
        expect(await subject.effects()).toBe(1);
      });
      it('E43 starts only what is stopped', async () => {
        const { applyId } = await accepted(subject.schemas.additive);
        await client.untilState(applyId, [State.STATE_COMPLETED]);
        const answer = await client.start(applyId);
        expect(answer.accepted).toBe(false);
        expect(answer.errorMessage).toContain('not stopped');
      });
      it('E43 does not start what another apply has taken over', async () => {
        const release = await subject.hold();
        const first = await accepted(subject.schemas.additive);
        await client.stop(first.applyId);
        await client.untilState(first.applyId, [State.STATE_STOPPED]);
        await release();
        const second = await accepted(subject.schemas.other);
        await client.untilState(second.applyId, [State.STATE_COMPLETED]);
        const answer = await client.start(first.applyId);
        expect(answer.accepted).toBe(false);
        expect(answer.errorMessage).toContain('superseded');
        expect((await client.progress(first.applyId)).state).toBe(State.STATE_STOPPED);
        expect(await subject.effects()).toBe(1);
      });
      it('E44 cancels for good, a stopped one as well', async () => {
        const release = await subject.hold();
        const { applyId } = await accepted(subject.schemas.additive);
        await client.stop(applyId);
        await client.untilState(applyId, [State.STATE_STOPPED]);
        expect((await client.cancel(applyId)).accepted).toBe(true);
        await client.untilState(applyId, [State.STATE_CANCELLED]);
        await release();
        expect((await client.start(applyId)).accepted).toBe(false);
        expect((await client.progress(applyId)).state).toBe(State.STATE_CANCELLED);
        expect(await subject.effects()).toBe(0);
      });
      it('E44 leaves a completed apply as it is, whatever is asked of it', async () => {
        const { applyId } = await accepted(subject.schemas.additive);
        const before = await client.untilState(applyId, [State.STATE_COMPLETED]);
        await client.stop(applyId);
        await client.cancel(applyId);
        const after = await client.progress(applyId);
        expect({ ...after, settledControlRequests: [] }).toEqual({ ...before, settledControlRequests: [] });
      });
      it('E45 E47 refuses what it cannot do, and nothing changes', async () => {
        const { applyId } = await accepted(subject.schemas.additive);
        await client.untilState(applyId, [State.STATE_COMPLETED]);
        expect(await client.revert(applyId)).toMatchObject({ accepted: false });
        expect(await client.skipRevert(applyId)).toMatchObject({ accepted: false });
        expect((await client.progress(applyId)).state).toBe(State.STATE_COMPLETED);
      });
      it('E48 does nothing to anyone when the apply is not known', async () => {
        const release = await subject.hold();
        const { applyId } = await accepted(subject.schemas.additive);
        const unknown = 'apply-0000000000000000';
        const calls = [client.stop(unknown), client.cancel(unknown), client.cutover(unknown)];
        expect(await Promise.all(calls.map(statusOf))).not.toContain('OK');
        await release();
        expect((await client.untilState(applyId, ENDED)).state).toBe(State.STATE_COMPLETED);
      });
    });

    describe('deferred cutover', () => {
      const DEFERRED = { options: { defer_cutover: 'true' } };
      const parked = async (files: Files) => {
        const answer = await accepted(files, DEFERRED);
        await client.untilState(answer.applyId, [State.STATE_WAITING_FOR_CUTOVER]);
        return answer;
      };

      it('E45 parks, with what waits still to be done, and swaps only when it is permitted', async () => {
        const { applyId } = await parked(subject.schemas.visible);
        expect(await subject.effects()).toBe(0);
        expect((await client.planDiff(subject.target, subject.schemas.visible)).changes).toHaveLength(1);
        const { tables } = await client.progress(applyId);
        expect(tables.map(({ status }) => status)).toEqual(['waiting_for_cutover']);
        expect(await client.cutover(applyId)).toEqual({ accepted: true, errorMessage: '' });
        const ended = await client.untilState(applyId, ENDED);
        expect(ended.state).toBe(State.STATE_COMPLETED);
        expect(await subject.effects()).toBe(1);
        expect(ended.settledControlRequests).toMatchObject([
          { operation: 'cutover', status: 'completed', requestedBy: 'tester' },
        ]);
      });
      it('E45 refuses a cutover before it is parked, naming the state, and does not swap later by itself', async () => {
        const release = await subject.hold();
        const { applyId } = await accepted(subject.schemas.additiveAndVisible, DEFERRED);
        await client.untilState(applyId, [State.STATE_RUNNING]);
        const early = await client.cutover(applyId);
        expect(early.accepted).toBe(false);
        expect(early.errorMessage).toContain('running');
        await release();
        await client.untilState(applyId, [State.STATE_WAITING_FOR_CUTOVER]);
        expect((await client.planDiff(subject.target, subject.schemas.additiveAndVisible)).changes).not.toEqual([]);
        await client.cutover(applyId);
        expect((await client.untilState(applyId, ENDED)).state).toBe(State.STATE_COMPLETED);
        expect(await subject.effects()).toBe(2);
      });
      it('E41 cuts over once however often it is asked', async () => {
        const { applyId } = await parked(subject.schemas.visible);
        const answers = await Promise.all([client.cutover(applyId), client.cutover(applyId)]);
        expect(answers.map((answer) => answer.accepted)).toEqual([true, true]);
        await client.untilState(applyId, [State.STATE_COMPLETED]);
        expect(await subject.effects()).toBe(1);
      });
      it('E42 refuses a cutover after a stop; a start parks it again', async () => {
        const { applyId } = await parked(subject.schemas.visible);
        expect((await client.stop(applyId)).accepted).toBe(true);
        await client.untilState(applyId, [State.STATE_STOPPED]);
        expect((await client.cutover(applyId)).accepted).toBe(false);
        expect((await client.start(applyId)).accepted).toBe(true);
        await client.untilState(applyId, [State.STATE_WAITING_FOR_CUTOVER]);
        expect(await subject.effects()).toBe(0);
        await client.cutover(applyId);
        await client.untilState(applyId, [State.STATE_COMPLETED]);
        expect(await subject.effects()).toBe(1);
      });
      it('E44 cancels what is parked, for good', async () => {
        const { applyId } = await parked(subject.schemas.visible);
        expect((await client.cancel(applyId)).accepted).toBe(true);
        await client.untilState(applyId, [State.STATE_CANCELLED]);
        expect((await client.cutover(applyId)).accepted).toBe(false);
        expect((await client.progress(applyId)).state).toBe(State.STATE_CANCELLED);
        expect(await subject.effects()).toBe(0);
      });
      it('E39 refuses a cutover for an operation of another apply', async () => {
        const { applyId, applyOperationId } = await parked(subject.schemas.visible);
        expect((await client.cutover(applyId, '999999')).accepted).toBe(false);
        expect((await client.progress(applyId)).state).toBe(State.STATE_WAITING_FOR_CUTOVER);
        expect((await client.cutover(applyId, applyOperationId)).accepted).toBe(true);
        await client.untilState(applyId, [State.STATE_COMPLETED]);
      });
    });

    describe('lookup by key', () => {
      it('finds an apply by its key, also after it has ended, and says definitely when there is none', async () => {
        const idempotencyKey = nextKey();
        expect(await client.findApply(idempotencyKey, subject.target)).toMatchObject({ found: false, applyId: '' });
        const { applyId, applyOperationId } = await accepted(subject.schemas.additive, { idempotencyKey });
        const expected = { found: true, applyId, applyOperationId, operationKey: '' };
        expect(await client.findApply(idempotencyKey, subject.target)).toEqual(expected);
        await client.untilState(applyId, [State.STATE_COMPLETED]);
        expect(await client.findApply(idempotencyKey)).toEqual(expected);
        expect(await statusOf(client.findApply(''))).toBe('INVALID_ARGUMENT');
      });
    });

    describe('restart', () => {
      it('E21 E36 goes on with what it accepted, and does not change what had ended', async (context) => {
        if (subject.restart === null) return context.skip();
        const done = await accepted(subject.schemas.additive);
        const before = await client.untilState(done.applyId, [State.STATE_COMPLETED]);
        const release = await subject.hold();
        const held = await accepted(subject.schemas.further);
        await reconnect(subject.restart);
        await release();
        expect((await client.untilState(held.applyId, ENDED)).state).toBe(State.STATE_COMPLETED);
        expect(await client.progress(done.applyId)).toEqual(before);
        expect(await subject.effects()).toBe(2);
      });
      it('E21 E40 stays parked through a kill, and carries out a cutover that it accepted before one', async (context) => {
        if (subject.restart === null) return context.skip();
        const { applyId } = await accepted(subject.schemas.visible, { options: { defer_cutover: 'true' } });
        await client.untilState(applyId, [State.STATE_WAITING_FOR_CUTOVER]);
        await reconnect(subject.restart);
        expect((await client.progress(applyId)).state).toBe(State.STATE_WAITING_FOR_CUTOVER);
        expect(await subject.effects()).toBe(0);
        expect((await client.cutover(applyId)).accepted).toBe(true);
        await reconnect(subject.restart);
        expect((await client.untilState(applyId, ENDED)).state).toBe(State.STATE_COMPLETED);
        expect(await subject.effects()).toBe(1);
      });
      it('E40 carries out a stop that it accepted before it was killed', async (context) => {
        if (subject.restart === null) return context.skip();
        const release = await subject.hold();
        const { applyId } = await accepted(subject.schemas.additive);
        await client.untilState(applyId, [State.STATE_RUNNING]);
        expect((await client.stop(applyId)).accepted).toBe(true);
        await reconnect(subject.restart);
        await client.untilState(applyId, [State.STATE_STOPPED]);
        await release();
        expect(await subject.effects()).toBe(0);
      });
    });
  });
}
