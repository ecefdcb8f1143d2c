import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPath, parseSpec } from '../../domain/parse-spec.js';
import type { ApplySpec } from '../../domain/spec.js';

const NAMES = ['eu-1', 'eu-2', 'us-1', 'us-2', 'canary'];

/** A spec of five deployments with the given waves, as YAML would give it. */
function raw(waves: unknown, names: readonly string[] = NAMES): unknown {
  return {
    database: 'orders',
    type: 'postgres',
    environment: 'production',
    deployments: names.map((name) => ({ name, target: `orders_${name}` })),
    rollout: { waves },
  };
}

function specOf(given: unknown): ApplySpec {
  const parsed = parseSpec(given);
  if (!parsed.ok) throw new Error(issuesOf(given).join('; '));
  return parsed.spec;
}

/** Each problem as a person reads it. */
function issuesOf(given: unknown): readonly string[] {
  const parsed = parseSpec(given);
  return parsed.ok ? [] : parsed.issues.map((issue) => `${formatPath(issue.path)} ${issue.message}`);
}

const CANARY = { name: 'first', deployments: ['canary'] };
const REST = { name: 'rest', match: ['eu-*', 'us-*'] };
const DURATION = 'must be up to 365d, a number with a unit, such as "500ms", "30s", "15m", "12h" or "7d"';

describe('waves', () => {
  it('name their deployments, or match them by pattern, and every default is filled in', () => {
    expect(specOf(raw([CANARY, REST])).rollout.waves).toEqual([
      { name: 'first', deployments: ['canary'], bakeTimeMs: 0, gate: 'auto', expiresAfterMs: null },
      {
        name: 'rest',
        deployments: ['eu-1', 'eu-2', 'us-1', 'us-2'],
        bakeTimeMs: 0,
        gate: 'auto',
        expiresAfterMs: null,
      },
    ]);
  });

  it('take a bake time, a gate and its expiry', () => {
    const gated = { ...REST, gate: 'manual', expiresAfter: '12h' };
    const [first, rest] = specOf(raw([{ ...CANARY, bakeTime: '30m' }, gated])).rollout.waves;
    expect(first?.bakeTimeMs).toBe(1_800_000);
    expect(rest).toMatchObject({ gate: 'manual', expiresAfterMs: 43_200_000 });
  });

  it.each([
    ['*', ['eu-1', 'eu-2', 'us-1', 'us-2', 'canary']],
    ['eu-?', ['eu-1', 'eu-2']],
    [
      ['us-2', 'eu-*'],
      ['eu-1', 'eu-2', 'us-2'],
    ],
    ['*-1', ['eu-1', 'us-1']],
  ])('match %j', (match, expected) => {
    const parsed = specOf(raw([{ name: 'some', match }, ...others(expected)]));
    expect(parsed.rollout.waves[0]?.deployments).toEqual(expected);
  });

  it('match whole names, in which no character but * and ? means another', () => {
    const names = ['a.b', 'axb', 'a.b.c'];
    const waves = [
      { name: 'one', match: 'a.b' },
      { name: 'two', deployments: ['axb', 'a.b.c'] },
    ];
    expect(specOf(raw(waves, names)).rollout.waves[0]?.deployments).toEqual(['a.b']);
  });

  it('put the deployments into rollout order: waves in order, and inside a wave the order of the list', () => {
    const waves = [CANARY, { name: 'us', deployments: ['us-2', 'us-1'] }, { name: 'eu', match: 'eu-*' }];
    const spec = specOf(raw(waves));
    expect(spec.deployments.map(({ name }) => name)).toEqual(['canary', 'us-1', 'us-2', 'eu-1', 'eu-2']);
    expect(spec.rollout.waves[1]?.deployments).toEqual(['us-1', 'us-2']);
  });

  it('may be left out, be nothing, or be an empty list, which is one wave of all', () => {
    for (const none of [undefined, null, []]) {
      const spec = specOf(raw(none));
      expect(spec.rollout.waves).toEqual([]);
      expect(spec.deployments.map(({ name }) => name)).toEqual(NAMES);
    }
  });
});

/** A wave of its own for every deployment that is not in the first one. */
function others(taken: readonly string[]): readonly unknown[] {
  return NAMES.filter((name) => !taken.includes(name)).map((name) => ({ name: `of-${name}`, deployments: [name] }));
}

describe('waves are refused', () => {
  it.each([
    ['first', 'rollout.waves must be a list of waves, got "first"'],
    [['first'], 'rollout.waves[0] must be a mapping with a name and deployments or match, got "first"'],
    [[{ match: '*' }], 'rollout.waves[0].name is missing'],
    [
      [{ name: 'the first', match: '*' }],
      'rollout.waves[0].name must be 1 to 63 characters of A-Z, a-z, 0-9, ".", "_" and "-", got "the first"',
    ],
    [
      [{ name: 'a', match: '*', dependsOn: 'b' }],
      'rollout.waves[0].dependsOn is not a known setting; known here: name, match, deployments, bakeTime, gate, expiresAfter',
    ],
    [
      [CANARY, { ...REST, name: 'first' }],
      'rollout.waves[1].name "first" names waves[0] already; each wave has a name of its own',
    ],
    [
      [{ ...CANARY, deployments: ['canary', 'mars'] }, REST],
      'rollout.waves[0].deployments[1] "mars" is no deployment of this spec; it has eu-1, eu-2, us-1, us-2, canary',
    ],
    [
      [CANARY, { ...REST, match: ['eu-*', 'us-*', 'ap-*'] }],
      'rollout.waves[1].match[2] matches no deployment of this spec, got "ap-*"; it has eu-1, eu-2, us-1, us-2, canary',
    ],
    [
      [{ ...CANARY, deployments: ['canary', 'canary'] }, REST],
      'rollout.waves[0].deployments[1] "canary" is listed already at deployments[0]; name it once',
    ],
    [[CANARY, { ...REST, match: ['us-*'] }], 'rollout.waves have no wave for eu-1, eu-2; put each deployment into one'],
    [[CANARY, { ...REST, match: '*' }], 'rollout.waves have deployment "canary" in "first" and "rest"; keep it in one'],
    [[CANARY, { ...REST, gate: 'closed' }], 'rollout.waves[1].gate must be one of auto, manual, got "closed"'],
    [
      [CANARY, { ...REST, expiresAfter: '1h' }],
      'rollout.waves[1].expiresAfter is how long a gate waits for an answer, and this wave has gate: auto; add gate: manual',
    ],
    ...[30, '30', '-1m', '366d', 'soon', true].map((bakeTime): [unknown, string] => [
      [CANARY, { ...REST, bakeTime }],
      `rollout.waves[1].bakeTime ${DURATION}, got ${JSON.stringify(bakeTime)}`,
    ]),
    [
      [CANARY, { ...REST, gate: 'manual', expiresAfter: 'soon' }],
      `rollout.waves[1].expiresAfter ${DURATION}, got "soon"`,
    ],
    [[CANARY, { ...REST, bakeTimeMs: 1.5 }], `rollout.waves[1].bakeTimeMs ${DURATION}, got 1.5`],
  ] as [unknown, string][])('%j', (waves, message) => {
    expect(issuesOf(raw(waves))).toEqual([message]);
  });

  it.each([
    [{ name: 'rest' }, 'must say which deployments it has, by either deployments or match'],
    [{ ...REST, deployments: ['eu-1'] }, 'must say which deployments it has, by either deployments or match'],
    [{ name: 'rest', deployments: [] }, 'must be a list of names, got []'],
    [{ name: 'rest', deployments: 'eu-1' }, 'must be a list of names, got "eu-1"'],
    [{ name: 'rest', match: [] }, 'must be a list of patterns, got []'],
    [{ name: 'rest', match: 7 }, 'must be a list of patterns, got 7'],
    [{ name: 'rest', match: [7] }, 'must be a list of patterns, got [7]'],
  ])('whose members cannot be told: %j', (wave, message) => {
    const issues = issuesOf(raw([CANARY, wave]));
    expect(issues).toHaveLength(1);
    expect(issues[0]).toContain(message);
  });

  it('with every problem at once', () => {
    const waves = [
      { name: 'a b', match: 'canary', gate: 'no', bakeTime: 'x' },
      { name: 'rest', match: 'eu-*' },
    ];
    expect(issuesOf(raw(waves)).map((issue) => issue.split(' ')[0])).toEqual([
      'rollout.waves[0].name',
      'rollout.waves[0].gate',
      'rollout.waves[0].bakeTime',
      'rollout.waves',
    ]);
  });

  it('in one line where a pattern was forgotten among hundreds', () => {
    const names = Array.from({ length: 400 }, (_, index) => `d${index}`);
    const issues = issuesOf(raw([{ name: 'few', match: 'd1*' }], names));
    expect(issues).toHaveLength(1);
    expect(issues[0]?.length).toBeLessThan(120);
  });
});

describe('reading waves', () => {
  const wave = fc.record(
    {
      bakeTime: fc.integer({ min: 0, max: 1_000 }).map((minutes) => `${minutes}m`),
      gate: fc.constantFrom('auto', 'manual'),
    },
    { requiredKeys: [] },
  );

  it('accepts its own output and leaves it as it is, so that a workflow can check what it was started with', () => {
    const given = fc.tuple(fc.shuffledSubarray(NAMES, { minLength: 1, maxLength: 4 }), wave, wave, fc.boolean());
    fc.assert(
      fc.property(given, ([chosen, first, second, expires]) => {
        const rest = NAMES.filter((name) => !chosen.includes(name));
        const expiry = expires && second.gate === 'manual' ? { expiresAfter: '1h' } : {};
        const spec = specOf(
          raw([
            { name: 'first', deployments: chosen, ...first },
            { name: 'second', match: rest, ...second, ...expiry },
          ]),
        );
        expect(specOf(spec)).toEqual(spec);
        expect(specOf(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
        expect(spec.deployments.map(({ name }) => name)).toEqual(
          spec.rollout.waves.flatMap(({ deployments }) => deployments),
        );
      }),
    );
  });

  it('never throws, and never accepts in silence what is none', () => {
    fc.assert(
      fc.property(fc.anything(), (waves) => {
        const parsed = parseSpec(raw(waves));
        expect(parsed.ok || parsed.issues.length > 0).toBe(true);
      }),
    );
  });
});
