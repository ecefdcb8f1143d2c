import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPath, parseSpec } from '../../domain/parse-spec.js';
import { type ApplySpec, DEPLOYMENTS_MAX } from '../../domain/spec.js';
import { ROLLOUT } from './builders.js';

const SMALLEST = {
  database: 'orders',
  type: 'postgres',
  environment: 'production',
  deployments: [{ name: 'eu', target: 'orders_eu' }],
};

const FILLED_IN: ApplySpec = {
  database: 'orders',
  type: 'postgres',
  environment: 'production',
  deployments: [{ name: 'eu', target: 'orders_eu', queue: 'skein' }],
  rollout: ROLLOUT,
  verify: true,
  pollIntervalMs: null,
};

function specOf(raw: unknown): ApplySpec {
  const parsed = parseSpec(raw);
  if (!parsed.ok) throw new Error(issuesOf(raw).join('; '));
  return parsed.spec;
}

/** Each problem as a person reads it. */
function issuesOf(raw: unknown): readonly string[] {
  const parsed = parseSpec(raw);
  return parsed.ok ? [] : parsed.issues.map((issue) => `${formatPath(issue.path)} ${issue.message}`);
}

function many(count: number): readonly { readonly name: string; readonly target: string }[] {
  return Array.from({ length: count }, (_, index) => ({ name: `d${index}`, target: `t${index}` }));
}

function arbitraryAmount(min: number): fc.Arbitrary<number | string> {
  return fc.oneof(
    fc.integer({ min, max: 5_000 }),
    fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
  );
}

describe('a spec', () => {
  it('needs no more than names, and every default is filled in', () => {
    expect(specOf(SMALLEST)).toEqual(FILLED_IN);
    expect(specOf({ ...SMALLEST, rollout: null, schema: './schema' })).toEqual(FILLED_IN);
    expect(specOf({ ...SMALLEST, rollout: { cutover: 'rolling', inFlight: 'finish' } })).toEqual(FILLED_IN);
  });

  it.each([
    [{ maxConcurrency: 7 }, { maxConcurrency: 7 }],
    [{ maxConcurrency: '25%' }, { maxConcurrency: '25%' }],
    [{ maxConcurrency: '100%' }, { maxConcurrency: '100%' }],
    [{ failureTolerance: 0 }, { failureTolerance: 0 }],
    [{ failureTolerance: '0%' }, { failureTolerance: '0%' }],
    [{ onFailure: 'continue' }, { onFailure: 'continue' }],
    [{ onFailure: 'pause' }, { onFailure: 'pause' }],
  ])('takes the rollout %j', (given, expected) => {
    expect(specOf({ ...SMALLEST, rollout: given }).rollout).toEqual({ ...FILLED_IN.rollout, ...expected });
  });

  it('takes a queue, no verification, and an interval as a duration or in milliseconds', () => {
    const deployments = [{ name: 'eu', target: 'orders_eu', queue: 'skein-us' }];
    expect(specOf({ ...SMALLEST, deployments }).deployments[0]?.queue).toBe('skein-us');
    expect(specOf({ ...SMALLEST, verify: false }).verify).toBe(false);
    expect(specOf({ ...SMALLEST, pollInterval: '10ms' }).pollIntervalMs).toBe(10);
    expect(specOf({ ...SMALLEST, pollInterval: '7d' }).pollIntervalMs).toBe(604_800_000);
    expect(specOf({ ...SMALLEST, pollIntervalMs: 30_000 }).pollIntervalMs).toBe(30_000);
  });

  it('may have one target name on two deployments, which are two engines', () => {
    const deployments = ['eu', 'us'].map((name) => ({ name, target: 'orders' }));
    expect(specOf({ ...SMALLEST, deployments }).deployments).toHaveLength(2);
  });
});

describe('a spec is refused', () => {
  const rollout = (given: unknown) => ({ ...SMALLEST, rollout: given });
  const deployments = (given: unknown) => ({ ...SMALLEST, deployments: given });

  it.each([
    [null, 'the spec must be a mapping, got nothing'],
    [[1], 'the spec must be a mapping, got [1]'],
    [{ ...SMALLEST, database: undefined }, 'database is missing'],
    [
      { ...SMALLEST, database: 'a b' },
      'database must be 1 to 63 characters of A-Z, a-z, 0-9, ".", "_" and "-", got "a b"',
    ],
    [
      { ...SMALLEST, environment: 7 },
      'environment must be 1 to 63 characters of A-Z, a-z, 0-9, ".", "_" and "-", got 7',
    ],
    [
      { ...SMALLEST, owner: 'x' },
      'owner is not a known setting; known here: database, type, environment, schema, deployments, rollout, verify, pollInterval',
    ],
    [{ ...SMALLEST, verify: 'yes' }, 'verify must be true or false, got "yes"'],
    [
      { ...SMALLEST, pollInterval: '5' },
      'pollInterval must be from 10ms to 7d, a number with a unit, such as "500ms", "30s", "15m", "12h" or "7d", got "5"',
    ],
    [
      { ...SMALLEST, pollInterval: '9ms' },
      'pollInterval must be from 10ms to 7d, a number with a unit, such as "500ms", "30s", "15m", "12h" or "7d", got "9ms"',
    ],
    [
      { ...SMALLEST, pollInterval: 30 },
      'pollInterval must be from 10ms to 7d, a number with a unit, such as "500ms", "30s", "15m", "12h" or "7d", got 30',
    ],
    [
      { ...SMALLEST, pollIntervalMs: 604_800_001 },
      'pollIntervalMs must be from 10ms to 7d, a number with a unit, such as "500ms", "30s", "15m", "12h" or "7d", got 604800001',
    ],
    [deployments(undefined), 'deployments must be a list of at least one deployment, got nothing'],
    [deployments([]), 'deployments must be a list of at least one deployment, got []'],
    [deployments(['eu']), 'deployments[0] must be a mapping with name and target, got "eu"'],
    [deployments([{ name: 'eu' }]), 'deployments[0].target is missing'],
    [
      deployments([{ name: 'e/u', target: 't' }]),
      'deployments[0].name must be 1 to 63 characters of A-Z, a-z, 0-9, ".", "_" and "-", got "e/u"',
    ],
    [
      deployments([{ name: 'eu', target: 't', queue: '' }]),
      'deployments[0].queue must be 1 to 63 characters of A-Z, a-z, 0-9, ".", "_" and "-", got ""',
    ],
    [
      deployments([{ name: 'eu', target: 't', host: 'h' }]),
      'deployments[0].host is not a known setting; known here: name, target, queue',
    ],
    [
      deployments([
        { name: 'eu', target: 'a' },
        { name: 'eu', target: 'b' },
      ]),
      'deployments[1].name "eu" is listed already at deployments[0]; each deployment appears once',
    ],
    [rollout('halt'), 'rollout must be a mapping, got "halt"'],
    [
      rollout({ speed: 1 }),
      'rollout.speed is not a known setting; known here: maxConcurrency, onFailure, failureTolerance, cutover, inFlight, waves',
    ],
    [rollout({ onFailure: 'ignore' }), 'rollout.onFailure must be one of halt, continue, pause, got "ignore"'],
    [rollout({ cutover: 'later' }), 'rollout.cutover must be one of rolling, ordered, barrier, manual, got "later"'],
    [rollout({ inFlight: 'kill' }), 'rollout.inFlight must be one of finish, stop, got "kill"'],
    ...[0, -1, 1.5, '101%', '5 %', 'two', null, true].map((amount): [unknown, string] => [
      rollout({ maxConcurrency: amount }),
      `rollout.maxConcurrency must be a whole number from 1 up or a percentage from "0%" to "100%", got ${amount === null ? 'nothing' : JSON.stringify(amount)}`,
    ]),
    [
      rollout({ failureTolerance: -1 }),
      'rollout.failureTolerance must be a whole number from 0 up or a percentage from "0%" to "100%", got -1',
    ],
  ] as [unknown, string][])('%j', (raw, message) => {
    expect(issuesOf(raw)).toEqual([message]);
  });

  it.each([
    [{ cutover: 'explode' }, 'rollout.cutover must be one of rolling, ordered, barrier, manual, got "explode"'],
    [{ inFlight: 'abort' }, 'rollout.inFlight must be one of finish, stop, got "abort"'],
  ])('with a word that is none of the language: %j', (given, message) => {
    expect(issuesOf(rollout(given))).toEqual([message]);
  });

  it('with every problem at once: five mistakes, five problems', () => {
    const issues = issuesOf({
      database: 'orders!',
      type: 'postgres',
      environment: 'production',
      deployments: [{ name: 'eu', target: 'orders_eu' }, { name: 'eu', target: 'orders_us' }, { name: 'ap' }],
      rollout: { maxConcurrency: 0, onFailure: 'explode' },
    });
    expect(issues.map((issue) => issue.split(' ')[0])).toEqual([
      'database',
      'deployments[2].target',
      'deployments[1].name',
      'rollout.maxConcurrency',
      'rollout.onFailure',
    ]);
  });

  it('with more deployments than an apply can have, and says how to split', () => {
    expect(specOf(deployments(many(DEPLOYMENTS_MAX))).deployments).toHaveLength(1_000);
    expect(issuesOf(deployments(many(DEPLOYMENTS_MAX + 1)))).toEqual([
      'deployments has 1001 deployments and the limit is 1000; split it into several applies of at most 1000',
    ]);
  });

  it('without an error when it contains itself, as YAML can say', () => {
    const itself: unknown[] = [];
    itself.push(itself);
    expect(issuesOf({ ...SMALLEST, database: itself })[0]).toContain('got a value that cannot be written out');
    expect(issuesOf({ ...SMALLEST, verify: () => true })).toEqual(['verify must be true or false, got function']);
  });

  it('without quoting more of it than a person can read', () => {
    expect(issuesOf({ ...SMALLEST, database: 'x'.repeat(500) })[0]).toHaveLength(
      'database must be 1 to 63 characters of A-Z, a-z, 0-9, ".", "_" and "-", got '.length + 78,
    );
  });
});

describe('reading a spec', () => {
  it('accepts its own output, so that a workflow can check what it was started with', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,40}$/);
    const raw = fc.record({
      database: name,
      type: name,
      environment: name,
      deployments: fc.uniqueArray(fc.record({ name, target: name }), {
        minLength: 1,
        maxLength: 5,
        selector: (deployment) => deployment.name,
      }),
      rollout: fc.record(
        {
          maxConcurrency: arbitraryAmount(1),
          failureTolerance: arbitraryAmount(0),
          onFailure: fc.constantFrom('halt', 'continue', 'pause'),
        },
        { requiredKeys: [] },
      ),
      verify: fc.boolean(),
    });
    fc.assert(
      fc.property(raw, (given) => {
        const spec = specOf(given);
        expect(specOf(spec)).toEqual(spec);
        expect(specOf(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
      }),
    );
  });

  it('never throws and never accepts in silence what is no spec', () => {
    fc.assert(
      fc.property(fc.anything(), (raw) => {
        const parsed = parseSpec(raw);
        expect(parsed.ok || parsed.issues.length > 0).toBe(true);
      }),
    );
  });
});

describe('the place of a problem', () => {
  it('reads like the way to it', () => {
    expect(formatPath([])).toBe('the spec');
    expect(formatPath(['deployments', 1, 'target'])).toBe('deployments[1].target');
    expect(formatPath(['rollout', 'onFailure'])).toBe('rollout.onFailure');
  });
});
