import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import * as wire from '../../proto/gen/tern.js';
import { decodeApplyAnswer, encodeApplyRequest } from '../../tern/codec-apply.js';
import type { ApplyRequest } from '../../tern/engine.js';

const REQUEST: ApplyRequest = {
  database: 'orders',
  type: 'postgres',
  environment: 'production',
  target: 'orders_eu',
  schemaFiles: { public: { 'b.sql': 'B', 'a.sql': 'A' }, audit: { 'z.sql': 'Z' } },
  planId: 'plan-1',
  changes: [],
  idempotencyKey: 'skein/a/0/eu/0',
  allowUnsafe: true,
  deferCutover: true,
  caller: 'skein',
};

const bytesOf = (request: ApplyRequest): Buffer =>
  Buffer.from(wire.ApplyRequest.encode(encodeApplyRequest(request)).finish());
const decode = (fields: Parameters<typeof wire.ApplyResponse.fromPartial>[0]) =>
  decodeApplyAnswer(wire.ApplyResponse.fromPartial(fields), 'engine.internal:9090');

test('the same request is the same bytes, in whatever order its files were read', () => {
  const fileNames = fc.string({ minLength: 1 }).filter((name) => name !== '__proto__');
  const files = fc.dictionary(fileNames, fc.string(), { maxKeys: 8, noNullPrototype: true });
  fc.assert(
    fc.property(fc.dictionary(fileNames, files, { maxKeys: 4, noNullPrototype: true }), (schemaFiles) => {
      const shuffled = Object.fromEntries(
        Object.entries(schemaFiles)
          .toReversed()
          .map(([name, inner]) => [name, Object.fromEntries(Object.entries(inner).toReversed())]),
      );
      expect(bytesOf({ ...REQUEST, schemaFiles: shuffled }).equals(bytesOf({ ...REQUEST, schemaFiles }))).toBe(true);
    }),
  );
  const order = wire.ApplyRequest.decode(bytesOf(REQUEST)).schemaFiles;
  expect(Object.keys(order)).toEqual(['audit', 'public']);
  expect(Object.keys(order['public']?.files ?? {})).toEqual(['a.sql', 'b.sql']);
});

test('an option that is off is absent, and one that is on is the literal true', () => {
  expect(encodeApplyRequest(REQUEST).options).toEqual({ allow_unsafe: 'true', defer_cutover: 'true' });
  expect(encodeApplyRequest({ ...REQUEST, allowUnsafe: false, deferCutover: false }).options).toEqual({});
});

test('an acceptance without an id, or for something else than the whole deployment, is broken (C07, C08)', () => {
  expect(decode({ accepted: true })).toMatchObject({ kind: 'broken' });
  expect(decode({ accepted: true, applyId: 'apply-1', operationKey: 'orders_us' })).toEqual({
    kind: 'broken',
    reason: 'accepted for operation key "orders_us" instead of the whole deployment (engine contract C08)',
  });
});

test('an acceptance carries the ids of the engine; an operation id may be absent', () => {
  expect(decode({ accepted: true, applyId: 'apply-1', applyOperationId: '7' })).toEqual({
    kind: 'accepted',
    remoteApplyId: 'apply-1',
    remoteOperationId: '7',
  });
  expect(decode({ accepted: true, applyId: 'apply-1' })).toMatchObject({ remoteOperationId: null });
});

test('ids in a refusal are ignored, and its conflict says who holds the database (C06, C15)', () => {
  const conflict = { table: 'orders', blockingState: 'running', caller: 'ann', holderExternalId: 'apply-9' };
  expect(decode({ errorMessage: 'busy at 10.0.0.1:5432', applyId: 'apply-1', conflict })).toEqual({
    kind: 'refused',
    message: 'busy at <address>',
    conflict: { table: 'orders', blockingState: 'running', caller: 'ann', holderRemoteApplyId: 'apply-9' },
  });
});

test('a refusal without a text says so', () => {
  expect(decode({})).toEqual({ kind: 'refused', message: 'the engine gave no reason', conflict: null });
});
