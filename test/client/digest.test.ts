import { expect, test } from 'vitest';
import { canonicalJson, planDigest, specDigest } from '../../client/digest.js';
import { defaultApplyId } from '../../client/random-id.js';
import { NAME_PATTERN } from '../../domain/ids.js';
import { SCHEMA_FILES, spec } from './builders.js';

test('equal values have equal text whatever order their keys were written in', () => {
  expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}');
  expect(canonicalJson({ a: 'x', b: [{ c: null, d: 1 }] })).toBe(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' }));
});

test('the order of a list is part of its meaning', () => {
  expect(specDigest(spec({}, ['eu', 'us']), SCHEMA_FILES)).not.toBe(specDigest(spec({}, ['us', 'eu']), SCHEMA_FILES));
});

test('the digest of a spec changes with any setting and with any byte of its schema', () => {
  const digests = [
    specDigest(spec(), SCHEMA_FILES),
    specDigest(spec({ verify: false }), SCHEMA_FILES),
    specDigest(spec({ environment: 'staging' }), SCHEMA_FILES),
    specDigest(spec(), { public: { 'orders.sql': 'CREATE TABLE orders (id bigint); ' } }),
    specDigest(spec(), { public: { 'order.sql': 'CREATE TABLE orders (id bigint);' } }),
  ];
  expect(new Set(digests).size).toBe(digests.length);
  expect(digests.every((digest) => /^[0-9a-f]{64}$/.test(digest))).toBe(true);
});

test('the digest of a plan covers the statements and the schema they come from', () => {
  const other = { public: { 'orders.sql': 'CREATE TABLE orders (id bigint, note text);' } };
  expect(planDigest('[]', SCHEMA_FILES)).not.toBe(planDigest('[]', other));
  expect(planDigest('[]', SCHEMA_FILES)).not.toBe(planDigest('[1]', SCHEMA_FILES));
});

test('a default apply id is a name, begins with the database and does not repeat', () => {
  const ids = Array.from({ length: 200 }, () => defaultApplyId('orders'));
  expect(new Set(ids).size).toBe(200);
  expect(ids.every((id) => /^orders-[0-9a-hjkmnp-tv-z]{8}$/.test(id))).toBe(true);
  expect(defaultApplyId('d'.repeat(63))).toMatch(NAME_PATTERN);
});
