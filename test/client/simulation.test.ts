import { describe, expect, test } from 'vitest';
import { type RolloutPlan, reviewPlans } from '../../client/plan.js';
import { type PreparedSimulation, type SimulationFlags, toSimulation } from '../../client/simulation.js';
import { simulate } from '../../domain/simulate.js';
import { type ApplySpec, resolvePolicy } from '../../domain/spec.js';
import { ROLLOUT, SCHEMA_FILES, answer, change, spec } from './builders.js';

const MINUTE = 60_000;

const FLAGS: SimulationFlags = {
  fail: [],
  duration: [],
  rowsPerSecond: 50_000,
  cutoverMs: 5_000,
  approveAfterMs: 0,
  cutoverAfterMs: null,
  controls: [],
};

function refuse(message: string): never {
  throw new Error(message);
}

function prepare(
  flags: Partial<SimulationFlags>,
  given: { readonly plan?: RolloutPlan; readonly spec?: ApplySpec } = {},
): PreparedSimulation {
  const asked = given.plan?.spec ?? given.spec ?? spec();
  const policy = resolvePolicy(asked);
  return toSimulation({ spec: asked, policy, plan: given.plan ?? null, flags: { ...FLAGS, ...flags }, refuse });
}

/** A plan of the same statements everywhere, with the given row counts per deployment. */
function planned(rows: Readonly<Record<string, readonly (string | null)[]>>): RolloutPlan {
  const answers = Object.entries(rows).map(([deployment, counts]) =>
    answer(
      deployment,
      counts.map((estimatedRows, index) => change(`ALTER TABLE t${index} ADD COLUMN note text`, { estimatedRows })),
    ),
  );
  const asked = spec({}, Object.keys(rows));
  return reviewPlans({ spec: asked, schemaFiles: SCHEMA_FILES }, { answers }, '2026-01-01T00:00:00.000Z');
}

function copies({ input }: PreparedSimulation): readonly number[] {
  return input.operations.map(({ copyMs }) => copyMs);
}

describe('how long a deployment takes', () => {
  test('is ten minutes where nobody says, and what the person says where they do; the later word wins', () => {
    expect(copies(prepare({}))).toEqual([10 * MINUTE, 10 * MINUTE, 10 * MINUTE]);
    expect(copies(prepare({ duration: ['5m', 'us=00:01:30'] }))).toEqual([5 * MINUTE, 90_000, 5 * MINUTE]);
    expect(copies(prepare({ duration: ['us=1h', '5m'] }))).toEqual([5 * MINUTE, 5 * MINUTE, 5 * MINUTE]);
  });

  test('follows from the rows of its own plan, at so many a second', () => {
    const plan = planned({ eu: ['3000000', '50000'], us: ['600000', null], ap: [null, null] });
    const prepared = prepare({}, { plan });
    expect(copies(prepared)).toEqual([61_000, 13_000, 10 * MINUTE]);
    expect(prepared.durations.map(({ from }) => from)).toEqual(['rows', 'rows', 'default']);
    expect(copies(prepare({ rowsPerSecond: 3_000 }, { plan }))[0]).toBe(1_000_000 + 16_667);
  });

  test('is at least a second per statement, and what the person says in spite of the rows', () => {
    const plan = planned({ eu: ['0', null], us: ['100', '100'] });
    expect(copies(prepare({}, { plan }))).toEqual([2_000, 2_000]);
    const prepared = prepare({ duration: ['eu=5m'] }, { plan });
    expect(copies(prepared)).toEqual([5 * MINUTE, 2_000]);
    expect(prepared.durations.map(({ from }) => from)).toEqual(['flag', 'rows']);
  });

  test('is nothing where there is nothing to do', () => {
    const prepared = prepare({ duration: ['1h'] }, { plan: planned({ eu: [], us: ['1'] }) });
    expect(prepared.input.operations.map(({ nothingToDo }) => nothingToDo)).toEqual([true, false]);
    expect(prepared.durations.map(({ deployment }) => deployment)).toEqual(['us']);
    expect(simulate(prepared.input).elapsedMs).toBe(60 * MINUTE);
  });
});

/** The one deployment that is said to fail. */
function failure(text: string, given: Parameters<typeof prepare>[1] = {}) {
  return prepare({ fail: [text] }, given).input.operations.find(({ deployment }) => text.startsWith(deployment));
}

describe('when a deployment fails', () => {
  const plan = planned({ eu: ['3000000', '50000'], us: [null, null] });

  test('is the end of its copy, a time after its start, or the end of a statement', () => {
    expect(failure('us')).toMatchObject({ failsAfterMs: 10 * MINUTE, failsAtCutover: false });
    expect(failure('us@90s')).toMatchObject({ failsAfterMs: 90_000 });
    expect(failure('us@00:01:30')).toMatchObject({ failsAfterMs: 90_000 });
    expect(failure('eu@1', { plan })).toMatchObject({ failsAfterMs: 60_000 });
    expect(failure('eu@2', { plan })).toMatchObject({ failsAfterMs: 61_000 });
    expect(failure('us@1', { plan })).toMatchObject({ failsAfterMs: 5 * MINUTE });
    expect(failure('us@2')).toMatchObject({ failsAfterMs: 10 * MINUTE });
  });

  test('is its cutover where cutovers wait', () => {
    const waiting = spec({ rollout: { ...ROLLOUT, cutover: 'barrier' } });
    expect(failure('us@cutover', { spec: waiting })).toMatchObject({ failsAfterMs: null, failsAtCutover: true });
  });

  test('concerns only those that are named, and the later word wins', () => {
    const { operations } = prepare({ fail: ['us@1s', 'us@2s'] }).input;
    expect(operations.map(({ failsAfterMs }) => failsAfterMs)).toEqual([null, 2_000, null]);
  });

  test.each([
    ['mars', '--fail names mars, which is no deployment of this spec; it has eu, us'],
    ['eu@soon', '--fail takes a deployment, a statement, a time or cutover, such as us@2 or us@90s, got "eu@soon"'],
    ['eu@0', '--fail eu@0: its plan has 2 statements, counted from 1'],
    ['eu@3', '--fail eu@3: its plan has 2 statements, counted from 1'],
    ['eu@2m', '--fail eu@2m: eu takes 61s; name an earlier time, or a longer --duration'],
    ['eu@cutover', '--fail eu@cutover: under cutover rolling the engine cuts over by itself; leave @cutover out'],
  ])('is refused as %s', (text, message) => {
    expect(() => prepare({ fail: [text] }, { plan })).toThrow(message);
  });

  test('is refused where there is nothing to do', () => {
    expect(() => prepare({ fail: ['eu'] }, { plan: planned({ eu: [], us: ['1'] }) })).toThrow(
      '--fail eu: eu has nothing to do, so nothing of it can fail',
    );
  });
});

test.each([
  ['soon', '--duration takes a time such as 30m, got "soon"'],
  ['us=soon', '--duration takes a time such as 30m, got "us=soon"'],
  ['mars=1m', '--duration names mars, which is no deployment of this spec; it has eu, us, ap'],
])('the duration %s is refused', (text, message) => {
  expect(() => prepare({ duration: [text] })).toThrow(message);
});

test('what people do is handed on as it was said', () => {
  const said = {
    approveAfterMs: null,
    cutoverAfterMs: 7,
    controls: [{ atMs: 1, name: 'stop', wave: null, deployments: [] }],
  } as const;
  expect(prepare(said).input).toMatchObject(said);
});
