import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SkeinError } from '../../client/errors.js';
import { isNothingToDo, openProblems, refuseProblems, reviewPlans, toApplyPlan } from '../../client/plan.js';
import { readPlanFile, refuseOtherPlan, writePlanFile } from '../../client/plan-file.js';
import type { DeploymentAnswer } from '../../domain/planning.js';
import { PAYLOAD_BYTES_MAX } from '../../domain/spec.js';
import { SCHEMA_FILES, answer, change, spec } from './builders.js';

const ADD = change('ALTER TABLE orders ADD COLUMN note text');
const DROP = change('DROP TABLE old', { table: 'old', unsafe: true, unsafeReason: 'drops a table' });

function review(answers: readonly DeploymentAnswer[]) {
  const deployments = answers.map(({ deployment }) => deployment);
  return reviewPlans(
    { spec: spec({}, deployments), schemaFiles: SCHEMA_FILES },
    { answers },
    '2026-01-01T00:00:00.000Z',
  );
}

function errorOf(call: () => void): SkeinError {
  try {
    call();
  } catch (error) {
    if (error instanceof SkeinError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('reviewing plans', () => {
  test('equal plans are one class that stands once in the apply, with the plan id of each deployment', () => {
    const plan = review([answer('eu', [ADD]), answer('us', [ADD]), answer('ap', [])]);
    const applyPlan = toApplyPlan(plan);
    expect(applyPlan.classes.map(({ changes }) => changes.length)).toEqual([1, 0]);
    const [busy, idle] = applyPlan.classes;
    expect(applyPlan.deployments).toEqual([
      { deployment: 'eu', planId: 'plan-eu', digest: busy?.digest },
      { deployment: 'us', planId: 'plan-us', digest: busy?.digest },
      { deployment: 'ap', planId: 'plan-ap', digest: idle?.digest },
    ]);
    expect(busy?.digest).not.toBe(idle?.digest);
    expect(() => refuseProblems(plan, { allowUnsafe: false })).not.toThrow();
    expect(isNothingToDo(plan)).toBe(false);
    expect(isNothingToDo(review([answer('eu', [])]))).toBe(true);
  });

  test('unsafe statements are lifted by allowing them, drift is not', () => {
    const unsafe = review([answer('eu', [DROP]), answer('us', [DROP])]);
    expect(errorOf(() => refuseProblems(unsafe, { allowUnsafe: false })).message).toContain('--allow-unsafe');
    expect(() => refuseProblems(unsafe, { allowUnsafe: true })).not.toThrow();

    const drift = review([answer('eu', [ADD]), answer('us', [ADD, DROP])]);
    const error = errorOf(() => refuseProblems(drift, { allowUnsafe: true }));
    expect(error.kind).toBe('plan_refused');
    expect(error.problems.join('\n')).toContain('+ DROP TABLE old');
    expect(openProblems(drift, { allowUnsafe: true }).map(({ kind }) => kind)).toEqual(['drift']);
  });

  test('plans that differ are lifted by allowing drift, and by nothing else; the message names what would lift them', () => {
    const drift = review([answer('eu', [ADD]), answer('us', [ADD, DROP])]);
    const refused = errorOf(() => refuseProblems(drift, { allowUnsafe: false }));
    expect(refused.message).toContain('Allow it with --allow-unsafe and --allow-drift');
    expect(errorOf(() => refuseProblems(drift, { allowUnsafe: false, allowDrift: true })).message).toContain(
      'Allow it with --allow-unsafe once',
    );
    expect(() => refuseProblems(drift, { allowUnsafe: true, allowDrift: true })).not.toThrow();
    expect(openProblems(drift, { allowUnsafe: true, allowDrift: true })).toEqual([]);

    const blocked = review([answer('eu', [ADD]), answer('us', [ADD, { ...DROP, blocked: true }])]);
    const error = errorOf(() => refuseProblems(blocked, { allowUnsafe: true, allowDrift: true }));
    expect(error.kind).toBe('plan_refused');
    expect(error.message).not.toContain('--allow');
  });

  test('with drift allowed each deployment runs its own plan', () => {
    const drift = review([answer('eu', [ADD]), answer('us', [ADD, DROP]), answer('ap', [])]);
    const { classes, deployments } = toApplyPlan(drift);
    expect(classes.map(({ changes }) => changes.length)).toEqual([1, 2, 0]);
    expect(deployments.map(({ digest }) => classes.findIndex((one) => one.digest === digest))).toEqual([0, 1, 2]);
  });

  test('equal plans are one class and have one digest whatever the engines say of the rows', () => {
    const counted = (rows: string | null) => change(ADD.ddl, { estimatedRows: rows });
    const plan = review([answer('eu', [counted('3000000')]), answer('us', [counted('7')]), answer('ap', [ADD])]);
    expect(plan.classes.map(({ digest }) => digest)).toEqual(
      review([answer('eu', [ADD])]).classes.map(({ digest }) => digest),
    );
    expect(plan.problems).toEqual([]);
    expect(plan.classes[0]?.deployments.map(({ estimatedRows }) => estimatedRows)).toEqual([
      ['3000000'],
      ['7'],
      [null],
    ]);
    const later = review([answer('eu', [counted('3000001')]), answer('us', [ADD]), answer('ap', [ADD])]);
    expect(later.specDigest).toBe(plan.specDigest);
    expect(() => refuseOtherPlan(plan, later)).not.toThrow();
  });

  test('of two deployments with one engine and target nothing lifts the refusal, which names both and the target', () => {
    const one = { addressDigest: 'the same engine', target: 'orders_eu' };
    const plan = review([answer('eu', [ADD], one), answer('us', [ADD], one)]);
    const error = errorOf(() => refuseProblems(plan, { allowUnsafe: true, allowDrift: true }));
    expect(error.kind).toBe('plan_refused');
    expect(error.problems).toEqual([
      'eu, us: have the same engine and target orders_eu, so they are one database; keep one of them',
    ]);
  });

  test('a schema and plan that are too large to be carried are refused with their size and the limit', () => {
    const plan = review([answer('eu', [change(`-- ${'x'.repeat(PAYLOAD_BYTES_MAX)}`)])]);
    const error = errorOf(() => toApplyPlan(plan));
    expect(error.kind).toBe('invalid_spec');
    expect(error.message).toMatch(/schema and plan of orders are \d+ bytes and the limit is 1048576/);
  });

  test('an engine that could not be asked is unavailable, not refused, and is named', () => {
    const plan = review([
      answer('eu', [ADD]),
      answer('us', [], { plan: null, error: 'no connection', unreachable: true }),
    ]);
    const error = errorOf(() => refuseProblems(plan, { allowUnsafe: true }));
    expect(error.kind).toBe('unavailable');
    expect(error.message).toContain('us could not be asked');
    expect(error.problems).toEqual(['us: no connection']);
  });
});

describe('a reviewed plan in a file', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-plan-'));
    path = join(folder, 'plan.json');
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  async function refusal(): Promise<SkeinError> {
    const error: unknown = await readPlanFile(path).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error instanceof SkeinError) return error;
    throw new Error(`expected a refusal, got ${String(error)}`);
  }

  test('comes back as it was written', async () => {
    const plan = review([answer('eu', [ADD]), answer('us', [ADD])]);
    await writePlanFile(path, plan);
    expect(await readPlanFile(path)).toEqual(plan);
  });

  test('is refused when a single statement in it was changed', async () => {
    await writePlanFile(path, review([answer('eu', [ADD])]));
    await writeFile(path, (await readFile(path, 'utf8')).replace('note text', 'note varchar'));
    const error = await refusal();
    expect(error.kind).toBe('invalid_spec');
    expect(error.message).toContain('was changed after it was written');
  });

  test('is refused when it is not there, is not JSON, or is something else', async () => {
    expect((await refusal()).message).toContain('no such file');
    await writeFile(path, 'database: orders');
    expect((await refusal()).message).toContain('is not JSON');
    await writeFile(path, '{"kind":"other"}');
    expect((await refusal()).problems.length).toBeGreaterThan(0);
  });

  test('is refused where an engine plans something else now, and accepted where the change is there already', () => {
    const reviewed = review([answer('eu', [ADD]), answer('us', [ADD])]);
    expect(() => refuseOtherPlan(reviewed, review([answer('eu', []), answer('us', [ADD])]))).not.toThrow();
    const error = errorOf(() => refuseOtherPlan(reviewed, review([answer('eu', [ADD]), answer('us', [ADD, DROP])])));
    expect(error.kind).toBe('plan_refused');
    expect(error.problems).toEqual([expect.stringContaining('us:'), '  + DROP TABLE old']);
  });
});
