import { describe, expect, it } from 'vitest';
import { SkeinClient } from '../../client/index.js';
import { lineOf, startNextRun, untilStatus } from '../support/controls.js';
import { type Scene, openStage, operationOf, resultOf, summary } from '../support/stage.js';

const stage = await openStage({ timings: { verifyAgainMs: 100, missingAgainMs: 100 } });

const RETRY_ALL = { control: 'retry', deployments: [], release: false, skip: [] } as const;
const TABLE = 'CREATE TABLE u (id bigint)';
const BY_HAND = 'ALTER TABLE u DROP COLUMN hand';
const OPTION = "ALTER TABLE u COMMENT = 'by hand'";

/** A plan of each kind on a table that is there: the statement in the files, and how it is named when it is missing. */
const KINDS = {
  column: ['ALTER TABLE u ADD COLUMN n6 int', 'ADD COLUMN n6 int on u'],
  index: ['CREATE INDEX u_x ON u (id)', 'CREATE INDEX u_x ON u (id)'],
  constraint: ['ALTER TABLE u ADD CONSTRAINT u_c CHECK (id > 0, 1)', 'ADD CONSTRAINT u_c CHECK (id > 0, 1) on u'],
  'table option': ['ALTER TABLE u ROW_FORMAT=DYNAMIC', 'ROW_FORMAT=DYNAMIC on u'],
  'new table': ['CREATE TABLE w (id bigint)', 'CREATE TABLE w (id bigint)'],
  'dropped table': ['', 'DROP TABLE old'],
  view: ['CREATE VIEW v AS SELECT id FROM u', 'CREATE VIEW v AS SELECT id FROM u'],
} as const;

const COLUMN = KINDS.column[0];

/** One deployment of a plane that is not ours, and the input of an apply that makes one change there. */
async function planned(statement: string, options: { readonly folds?: boolean; readonly drops?: boolean } = {}) {
  const scene = await stage.scene(['eu'], { dialect: 'limited' });
  const live = options.drops === true ? [TABLE, 'CREATE TABLE old (id bigint)'] : [TABLE];
  scene.engine('eu').addTarget({ name: 'eu', live, folds: options.folds ?? true });
  const schemaFiles = { public: { 'u.sql': [TABLE, statement].filter((part) => part !== '').join(';\n') } };
  return { scene, input: { ...(await scene.input({ schemaFiles })), allowUnsafe: true } };
}

function calls(scene: Scene, rpc: 'Apply' | 'PlanDiff'): readonly number[] {
  return scene
    .engine('eu')
    .ledger.calls({ rpc })
    .map(({ sequence }) => sequence);
}

const CELLS = Object.entries(KINDS).flatMap(([kind, [statement, missing]]) =>
  [true, false].map((folds) => ({ kind, statement, missing, folds })),
);

describe('a completion that did not happen', () => {
  it.each(CELLS)('of a $kind is caught beside a column that somebody added (folded: $folds)', async (cell) => {
    const { scene, input } = await planned(cell.statement, { folds: cell.folds, drops: cell.kind === 'dropped table' });
    scene.engine('eu').script('eu', { effect: 'never' });
    scene.engine('eu').changeByHand('eu', BY_HAND);
    const failed = operationOf(await resultOf(await scene.start(input)), 'eu');
    expect(failed).toMatchObject({ state: 'failed', confirmed: true, drift: ['DROP COLUMN hand on u'] });
    expect(failed.message).toContain(`the engine reported completed, but ${cell.missing} is still missing`);
  });

  it.each(CELLS)('is no suspicion of a $kind that did: what somebody added is shown (folded: $folds)', async (cell) => {
    const { scene, input } = await planned(cell.statement, { folds: cell.folds, drops: cell.kind === 'dropped table' });
    scene.engine('eu').script('eu', { byHand: [{ when: 'copying', ddl: BY_HAND }] });
    const handle = await scene.start(input);
    const done = operationOf(await resultOf(handle), 'eu');
    expect(done).toMatchObject({ state: 'completed', drift: ['DROP COLUMN hand on u'] });
    const status = await new SkeinClient(scene.client, { caller: 'test' }).status(handle.workflowId);
    expect(lineOf(status, 'eu').drift).toEqual(['DROP COLUMN hand on u']);
  });

  it('is one too when the engine says failed and a column was added meanwhile: a retry does not find it in place', async () => {
    const { scene, input } = await planned('ALTER TABLE u ADD UNIQUE INDEX u_x (id)');
    scene
      .engine('eu')
      .script('eu', { end: 'failed', message: 'Duplicate entry', byHand: [{ when: 'copying', ddl: BY_HAND }] });
    const result = await resultOf(await scene.start(input));
    expect(operationOf(result, 'eu')).toMatchObject({ state: 'failed', changeInPlace: false });
    scene.engine('eu').script('eu', {});
    const retried = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(operationOf(retried, 'eu')).toMatchObject({ state: 'completed', attempt: 1, message: '' });
  });
});

describe('a difference of the table as a whole that is no part of the plan', () => {
  it('completes where it was there before the dispatch', async () => {
    const { scene, input } = await planned(COLUMN);
    scene.engine('eu').changeByHand('eu', OPTION);
    const done = operationOf(await resultOf(await scene.start(input)), 'eu');
    expect(done).toMatchObject({ state: 'completed', drift: ["COMMENT = 'by hand' on u"] });
  });

  it.each(['copying', 'ended'] as const)('cannot be told from it where it came later (%s)', async (when) => {
    const { scene, input } = await planned(COLUMN);
    scene.engine('eu').script('eu', { byHand: [{ when, ddl: OPTION }] });
    const failed = operationOf(await resultOf(await scene.start(input)), 'eu');
    expect(failed).toMatchObject({ state: 'failed', confirmed: false, unverified: true, changeInPlace: false });
    expect(failed.message).toContain("its diff holds COMMENT = 'by hand' on u");
    // Once before the dispatch, and twice after it, because an engine may lag behind its own writes.
    expect(calls(scene, 'PlanDiff')).toHaveLength(3);
  });

  it('is verified again by a retry, without a new attempt: the same end in the same words, until it is gone', async () => {
    const { scene, input } = await planned(COLUMN);
    scene.engine('eu').script('eu', { byHand: [{ when: 'ended', ddl: OPTION }] });
    const result = await resultOf(await scene.start(input));
    const first = operationOf(result, 'eu');
    const again = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(operationOf(again, 'eu')).toEqual({ ...first, completedAt: expect.any(String) });
    scene.engine('eu').liveSchema('eu').delete(`foreign ${OPTION}`);
    const last = await resultOf(await startNextRun(scene.client, { input, result: again }, RETRY_ALL));
    expect(operationOf(last, 'eu')).toMatchObject({
      state: 'completed',
      attempt: 0,
      remoteApplyId: first.remoteApplyId,
    });
    expect(calls(scene, 'Apply')).toHaveLength(1);
  });

  it('is never sent again where its engine has forgotten it: in place once the rest is gone, and in doubt until then', async () => {
    const { scene, input } = await planned(COLUMN);
    scene.engine('eu').script('eu', { byHand: [{ when: 'ended', ddl: OPTION }] });
    const result = await resultOf(await scene.start(input));
    scene.engine('eu').forgetApply('eu');
    const again = await resultOf(await startNextRun(scene.client, { input, result }, RETRY_ALL));
    expect(operationOf(again, 'eu')).toMatchObject({ state: 'failed', confirmed: false, unverified: true });
    expect(operationOf(again, 'eu').message).toContain('it is not known whether the change is there');
    scene.engine('eu').liveSchema('eu').delete(`foreign ${OPTION}`);
    const last = await resultOf(await startNextRun(scene.client, { input, result: again }, RETRY_ALL));
    expect(operationOf(last, 'eu')).toMatchObject({ state: 'completed', message: 'the change was in place already' });
    expect(calls(scene, 'Apply')).toHaveLength(1);
  });

  it('of which a person says why it may stay is left out, and every command that is offered is accepted', async () => {
    const { scene, input } = await planned(COLUMN);
    scene.engine('eu').script('eu', { byHand: [{ when: 'ended', ddl: OPTION }] });
    const handle = await scene.start(input);
    await resultOf(handle);
    const skein = new SkeinClient(scene.client, { caller: 'ann' });
    const id = handle.workflowId;
    const { commands, deployments } = await skein.why(id);
    expect(commands).toEqual([`retry ${id} --deployment eu`, `skip ${id} --deployment eu --reason <text>`]);
    expect(deployments[0]?.next).toContain('`retry` verifies it again');
    await skein.retry(id, { deployments: ['eu'] });
    await skein.result(id);
    await skein.skip(id, { deployments: ['eu'], reason: 'I have looked' });
    const status = await skein.result(id);
    expect(status).toMatchObject({ state: 'failed' });
    expect(status?.operations[0]).toMatchObject({ state: 'failed', skipped: true, unverified: true });
    expect(status?.controls.at(-1)).toMatchObject({ name: 'skip', by: 'ann', reason: 'I have looked' });
    expect(calls(scene, 'Apply')).toHaveLength(1);
  });
});

describe('the diff before the dispatch', () => {
  it('is read once per deployment, right before the first send, of an engine that does not compare for itself', async () => {
    const { scene, input } = await planned(COLUMN);
    expect(summary(await resultOf(await scene.start(input)))).toBe('eu=completed');
    const [read, verified, ...more] = calls(scene, 'PlanDiff');
    const [sent] = calls(scene, 'Apply');
    expect([read, verified, ...more]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(Number(read)).toBeLessThan(Number(sent));
    expect(Number(verified)).toBeGreaterThan(Number(sent));
  });

  it('is not read of an engine that does', async () => {
    const scene = await stage.scene(['eu']);
    expect(summary(await resultOf(await scene.start(await scene.input())))).toBe('eu=completed');
    expect(calls(scene, 'PlanDiff')).toHaveLength(1);
  });

  it('gives way to a stop while it is awaited: nothing was sent, and nothing was started', async () => {
    const { scene, input } = await planned(COLUMN);
    const held = scene.engine('eu').fault({ rpc: 'PlanDiff', action: { kind: 'hold_before' } });
    const handle = await scene.start(input);
    await untilStatus(scene.client, handle.workflowId, (now) => /different already/.test(lineOf(now, 'eu').waitingOn));
    await handle.signal('stop');
    const stopped = operationOf(await resultOf(handle), 'eu');
    expect(held.hits).toBe(1);
    expect(stopped).toMatchObject({ state: 'stopped', started: false, dispatch: 'none' });
    expect(calls(scene, 'Apply')).toEqual([]);
  });

  it('that cannot be read holds nothing up, and then nothing is believed to have been there', async () => {
    const { scene, input } = await planned(COLUMN);
    scene.engine('eu').fault({ rpc: 'PlanDiff', action: { kind: 'error_before', status: 'INTERNAL' } });
    scene.engine('eu').changeByHand('eu', OPTION);
    const failed = operationOf(await resultOf(await scene.start(input)), 'eu');
    expect(failed).toMatchObject({ state: 'failed', unverified: true });
    expect(failed.message).toContain('there is no diff from before the dispatch to compare with');
  });
});
