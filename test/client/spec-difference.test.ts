import { describe, expect, test } from 'vitest';
import { describeDifference } from '../../client/spec-difference.js';
import type { ApplySpec, WaveSpec } from '../../domain/spec.js';
import { SCHEMA_FILES, applyInput, spec } from './builders.js';

test('two equal requests have no difference', () => {
  expect(describeDifference(applyInput(), { spec: spec(), schemaFiles: SCHEMA_FILES })).toEqual([]);
});

test('every setting that differs is a line with both values', () => {
  const asked = spec({ verify: false, rollout: { ...spec().rollout, onFailure: 'pause' } });
  expect(describeDifference(applyInput(), { spec: asked, schemaFiles: SCHEMA_FILES })).toEqual([
    'verify: - true, + false',
    'rollout.onFailure: - "halt", + "pause"',
  ]);
});

test('another order and an added deployment are told apart', () => {
  const lines = describeDifference(applyInput(), {
    spec: spec({}, ['us', 'eu', 'ap', 'sa']),
    schemaFiles: SCHEMA_FILES,
  });
  expect(lines).toEqual([
    'deployment sa: - nothing, + {"target":"orders_sa","queue":"skein"}',
    'order of deployments: - eu, us, ap, + us, eu, ap, sa',
  ]);
});

test('a schema file shows the lines that are only in one of the two', () => {
  const schemaFiles = { public: { 'orders.sql': 'CREATE TABLE orders (id int);', 'more.sql': 'SELECT 1;' } };
  expect(describeDifference(applyInput(), { spec: spec(), schemaFiles })).toEqual([
    'schema file public/orders.sql:',
    '  - CREATE TABLE orders (id bigint);',
    '  + CREATE TABLE orders (id int);',
    'schema file public/more.sql: only in what was asked for now',
  ]);
});

function withWaves(waves: readonly WaveSpec[]): ApplySpec {
  return spec({ rollout: { ...spec().rollout, waves } });
}

function between(before: readonly WaveSpec[], after: readonly WaveSpec[]): readonly string[] {
  return describeDifference(applyInput({ spec: withWaves(before) }), {
    spec: withWaves(after),
    schemaFiles: SCHEMA_FILES,
  });
}

describe('waves', () => {
  const WAVE: WaveSpec = {
    name: 'canary',
    deployments: ['eu'],
    bakeTimeMs: 1_800_000,
    gate: 'auto',
    expiresAfterMs: null,
  };
  const REST: WaveSpec = { ...WAVE, name: 'rest', deployments: ['us', 'ap'], bakeTimeMs: 0 };

  test('that are equal have no difference', () => {
    expect(between([WAVE, REST], [WAVE, REST])).toEqual([]);
  });

  test('are told apart setting by setting, in the words of a spec', () => {
    const other: WaveSpec = { ...WAVE, bakeTimeMs: 90_000, gate: 'manual', expiresAfterMs: 43_200_000 };
    expect(between([WAVE, REST], [other, REST])).toEqual([
      'wave canary, bakeTime: - 30m, + 90s',
      'wave canary, gate: - auto, + manual',
      'wave canary, expiresAfter: - never, + 12h',
    ]);
  });

  test('that were added, taken away, put into another order or given other deployments are each a line', () => {
    expect(between([WAVE, REST], [REST, WAVE])).toEqual(['order of waves: - canary, rest, + rest, canary']);
    expect(
      between(
        [WAVE, REST],
        [
          { ...WAVE, deployments: ['eu', 'us'] },
          { ...REST, deployments: ['ap'] },
        ],
      ),
    ).toEqual(['wave canary, deployments: - nothing, + us', 'wave rest, deployments: - us, + nothing']);
    expect(between([WAVE], [WAVE, REST])).toEqual([
      'wave rest, bakeTime: - nothing, + 0s',
      'wave rest, gate: - nothing, + auto',
      'wave rest, expiresAfter: - nothing, + never',
      'order of waves, from the 2. on: - nothing, + rest',
      'wave rest, deployments: - nothing, + us, ap',
    ]);
    expect(between([], [WAVE])).toContain('order of waves: - nothing, + canary');
  });
});

test('of hundreds of deployments only the part that differs is written out', () => {
  const names = Array.from({ length: 400 }, (_, index) => `d${index}`);
  const lines = describeDifference(applyInput({ spec: spec({}, names) }), {
    spec: spec({}, names.toSpliced(398, 1)),
    schemaFiles: SCHEMA_FILES,
  });
  expect(lines).toEqual([
    'deployment d398: - {"target":"orders_d398","queue":"skein"}, + nothing',
    'order of deployments, from the 399. on: - d398, d399, + d399',
  ]);
});

test('every rule of the policy that differs is a line', () => {
  const rollout = {
    ...spec().rollout,
    maxConcurrency: '25%',
    failureTolerance: 2,
    cutover: 'barrier',
    inFlight: 'stop',
  } as const;
  expect(describeDifference(applyInput(), { spec: spec({ rollout }), schemaFiles: SCHEMA_FILES })).toEqual([
    'rollout.maxConcurrency: - 1, + "25%"',
    'rollout.failureTolerance: - 0, + 2',
    'rollout.cutover: - "rolling", + "barrier"',
    'rollout.inFlight: - "finish", + "stop"',
  ]);
});
