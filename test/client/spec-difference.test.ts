import { expect, test } from 'vitest';
import { describeDifference } from '../../client/spec-difference.js';
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
    'order of deployments: - eu, us, ap, + us, eu, ap, sa',
    'deployment sa: - nothing, + {"target":"orders_sa","queue":"skein"}',
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
