import { describe, expect, it } from 'vitest';
import type { Plan, TableChange } from '../../domain/plan.js';
import { type DeploymentAnswer, canonicalChanges, comparePlans, normalizeStatement } from '../../domain/planning.js';
import { change as stated } from './changes.js';

function change(ddl: string, given: Partial<TableChange> = {}): TableChange {
  return stated(ddl, { namespace: 'public', table: 'orders', ...given });
}

function plan(changes: readonly TableChange[], given: Partial<Plan> = {}): Plan {
  return { planId: 'plan-1', engine: 'postgres', changes, lintViolations: [], errors: [], leftovers: [], ...given };
}

function answer(deployment: string, given: Partial<DeploymentAnswer>): DeploymentAnswer {
  return {
    deployment,
    target: `orders_${deployment}`,
    plan: null,
    error: null,
    unreachable: false,
    addressDigest: null,
    ...given,
  };
}

const ADD = change('ALTER TABLE orders ADD COLUMN note text');
const INDEX = change('CREATE INDEX CONCURRENTLY orders_note ON orders (note)');

/** Each problem as kind, deployments and text. */
function problemsOf(answers: readonly DeploymentAnswer[]): readonly string[] {
  return comparePlans({ answers }).problems.map(
    ({ kind, deployments, message }) => `${kind} ${deployments.join(',')}: ${message}`,
  );
}

describe('plans of several deployments', () => {
  it('are one group when they are equal statement by statement, whatever their ids and white space', () => {
    const spaced = change('ALTER TABLE  orders\n  ADD COLUMN note text ;');
    const { groups, problems } = comparePlans({
      answers: [
        answer('eu', { plan: plan([ADD, INDEX]) }),
        answer('us', { plan: plan([spaced, INDEX], { planId: 'plan-2' }) }),
      ],
    });
    expect(groups.map(({ deployments }) => deployments)).toEqual([['eu', 'us']]);
    expect(problems).toEqual([]);
  });

  it('that are empty are done and no drift, wherever they stand', () => {
    const done = answer('eu', { plan: plan([]) });
    const open = answer('us', { plan: plan([ADD]) });
    for (const answers of [
      [done, open],
      [open, done],
    ]) {
      const { groups, problems } = comparePlans({ answers });
      expect(groups).toHaveLength(2);
      expect(problems).toEqual([]);
    }
    expect(comparePlans({ answers: [done] })).toMatchObject({ groups: [{ deployments: ['eu'] }], problems: [] });
  });

  it('that differ are drift, with the statements that are only here and only there', () => {
    expect(
      problemsOf([
        answer('eu', { plan: plan([ADD]) }),
        answer('us', { plan: plan([ADD, INDEX]) }),
        answer('ap', { plan: plan([INDEX]) }),
      ]),
    ).toEqual([
      'drift us: the plan differs from that of eu (- only there, + only here); the live schemas have drifted apart:\n  + CREATE INDEX CONCURRENTLY orders_note ON orders (note)',
      'drift ap: the plan differs from that of eu (- only there, + only here); the live schemas have drifted apart:\n  - ALTER TABLE orders ADD COLUMN note text\n  + CREATE INDEX CONCURRENTLY orders_note ON orders (note)',
    ]);
  });

  it('with the same statements in another order, or for another table, are drift too', () => {
    const [inOrder] = problemsOf([
      answer('eu', { plan: plan([ADD, INDEX]) }),
      answer('us', { plan: plan([INDEX, ADD]) }),
    ]);
    expect(inOrder).toContain('the same statements in another order');
    const elsewhere = { ...ADD, namespace: 'archive' };
    expect(problemsOf([answer('eu', { plan: plan([ADD]) }), answer('us', { plan: plan([elsewhere]) })])).toHaveLength(
      1,
    );
  });

  it('are not compared where there is none: an engine that was not reached, one that refused, a broken schema', () => {
    const broken = answer('ap', {
      plan: plan([ADD], { errors: ['public/orders.sql: syntax error', 'two tables orders'] }),
    });
    const answers = [
      answer('eu', { error: 'no answer from 10.1.0.5:9090', unreachable: true }),
      answer('us', { error: 'unknown target' }),
      broken,
    ];
    expect(problemsOf(answers)).toEqual([
      'unreachable eu: no answer from 10.1.0.5:9090',
      'error us: unknown target',
      'error ap: public/orders.sql: syntax error',
      'error ap: two tables orders',
    ]);
    expect(comparePlans({ answers }).groups).toEqual([]);
  });

  it('of two deployments with one engine and target are one database, which is refused', () => {
    const same = { target: 'orders', plan: plan([ADD]), addressDigest: 'abc' };
    expect(problemsOf([answer('eu', same), answer('us', same), answer('ap', { ...same, target: 'other' })])).toEqual([
      'duplicate eu,us: have the same engine and target orders, so they are one database; keep one of them',
    ]);
    expect(problemsOf([answer('eu', { ...same, addressDigest: null }), answer('us', same)])).toEqual([]);
    const unknown = { ...same, addressDigest: null };
    expect(problemsOf([answer('eu', unknown), answer('us', unknown)])).toEqual([]);
  });

  it('name every statement that is blocked or unsafe, and every error of the linter, once per group', () => {
    const blocked = change('ALTER TABLE orders ALTER id TYPE bigint;', {
      blocked: true,
      unsafe: true,
      modeReason: 'rewrites the table',
    });
    const unsafe = change('DROP TABLE old', { unsafe: true, unsafeReason: 'loses data' });
    const bare = [change('A', { blocked: true }), change('B', { unsafe: true })];
    const lintViolations = [
      { message: 'no primary key', table: 'orders', severity: 'ERROR' },
      { message: 'schema is empty', table: '', severity: 'error' },
      { message: 'long name', table: 'orders', severity: 'warning' },
    ];
    const one = plan([blocked, unsafe, ...bare], { lintViolations });
    expect(problemsOf([answer('eu', { plan: one }), answer('us', { plan: one })])).toEqual([
      'blocked eu,us: ALTER TABLE orders ALTER id TYPE bigint: rewrites the table',
      'unsafe eu,us: DROP TABLE old: loses data',
      'blocked eu,us: A: the engine does not run it',
      'unsafe eu,us: B: the engine marks it unsafe',
      'lint eu,us: orders: no primary key',
      'lint eu,us: schema is empty',
    ]);
  });
});

const objections = (of: Plan) => `${of.changes[0]?.blocked} ${of.changes[0]?.unsafe} ${of.lintViolations.length}`;
const unsafeBecause = (unsafeReason: string) => plan([change('DROP INDEX i', { unsafe: true, unsafeReason })]);

describe('what one engine alone says against a plan that is equal elsewhere', () => {
  const harmless = plan([change('DROP INDEX i')]);

  it.each([
    [
      'blocked',
      { blocked: true, modeReason: 'not on this server' },
      [],
      'DROP INDEX i: not on this server',
      'true false 0',
    ],
    ['unsafe', { unsafe: true, unsafeReason: 'queries use it' }, [], 'DROP INDEX i: queries use it', 'false true 0'],
    ['lint', {}, [{ message: 'no key', table: '', severity: 'error' }], 'no key', 'false false 1'],
  ] as const)('counts wherever it comes in the order: %s', (kind, given, lintViolations, message, expected) => {
    const objecting = plan([change('DROP INDEX i', given)], { lintViolations });
    for (const [eu, us] of [
      [harmless, objecting],
      [objecting, harmless],
    ] as const) {
      const answers = [answer('eu', { plan: eu }), answer('us', { plan: us })];
      expect(problemsOf(answers)).toEqual([`${kind} eu,us: ${message}`]);
      expect(comparePlans({ answers }).groups.map((group) => objections(group.plan))).toEqual([expected]);
    }
  });

  it('is told with all reasons there are, each once', () => {
    const reasons = ['a', 'b', 'a'].map(unsafeBecause);
    expect(problemsOf(reasons.map((one, index) => answer(`d${index}`, { plan: one })))).toEqual([
      'unsafe d0,d1,d2: DROP INDEX i: a; b',
    ]);
  });
});

describe('two statements', () => {
  it.each([
    ['ADD  COLUMN\n note text ;', 'ADD COLUMN note text'],
    ["ADD COLUMN note text DEFAULT 'a  b'", "ADD COLUMN note text DEFAULT 'a  b'"],
    ["DEFAULT  'it''s   so'  ;", "DEFAULT 'it''s   so'"],
    ['RENAME "two  words"  TO x', 'RENAME "two  words" TO x'],
    ['AS $body$ a  b $body$  LANGUAGE sql', 'AS $body$ a  b $body$ LANGUAGE sql'],
    ['AS $$ a  b $$', 'AS $$ a  b $$'],
    ["SELECT ';'", "SELECT ';'"],
  ])('are equal in spite of white space between words, never of white space in quotes: %j', (ddl, expected) => {
    expect(normalizeStatement(ddl)).toBe(expected);
  });

  it('on two tables are two changes', () => {
    expect(canonicalChanges([ADD])).not.toBe(canonicalChanges([{ ...ADD, table: 'lines' }]));
    expect(canonicalChanges([ADD])).toBe(canonicalChanges([{ ...ADD, unsafe: true, changeType: 'other' }]));
  });
});

function note(message: string) {
  return { message, table: '', severity: 'info' };
}

it('a note of one engine is shown with the name of its deployment, and what all of them say without', () => {
  const first = plan([change('DROP INDEX i')], { lintViolations: [note('publications p')] });
  const second = plan([change('DROP INDEX i')], {
    lintViolations: [note('publications p'), note('objects owned by app')],
  });
  const { groups, problems } = comparePlans({
    answers: [answer('eu', { plan: first }), answer('us', { plan: second })],
  });
  expect(groups[0]?.plan.lintViolations.map(({ message }) => message)).toEqual([
    'publications p',
    'objects owned by app (us)',
  ]);
  expect(problems).toEqual([]);
});
