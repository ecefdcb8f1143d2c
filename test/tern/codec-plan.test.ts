import { expect, test } from 'vitest';
import type { TableChange } from '../../domain/plan.js';
import * as wire from '../../proto/gen/tern.js';
import {
  CHANGE_TYPE_WORD,
  decodePlan,
  decodePlanDifference,
  ENGINE_WORD,
  encodePlanRequest,
  encodeTableChange,
} from '../../tern/codec-plan.js';

const CHANGE: TableChange = {
  namespace: 'public',
  table: 'orders',
  ddl: 'ALTER TABLE orders ADD COLUMN note text',
  changeType: 'alter',
  unsafe: false,
  unsafeReason: '',
  blocked: false,
  modeReason: '',
  estimatedRows: null,
};

function planned(change: Parameters<typeof wire.TableChange.fromPartial>[0]): TableChange | undefined {
  return decodePlan(wire.PlanResponse.fromPartial({ changes: [{ namespace: 'public', tableChanges: [change] }] }))
    .changes[0];
}

test('every kind of change and every engine has a word, and an unknown number is shown', () => {
  for (const [name, number] of Object.entries(wire.ChangeType)) {
    expect(planned({ changeType: number })?.changeType).toBe(name.slice('CHANGE_TYPE_'.length).toLowerCase());
  }
  for (const [name, number] of Object.entries(wire.Engine)) {
    const { engine } = decodePlan(wire.PlanResponse.fromPartial({ engine: number }));
    expect(engine).toBe(name.slice('ENGINE_'.length).toLowerCase());
  }
  expect(planned({ changeType: 77 as wire.ChangeType })?.changeType).toBe('unknown(77)');
  expect(Object.keys(CHANGE_TYPE_WORD)).toHaveLength(10);
  expect(Object.keys(ENGINE_WORD)).toHaveLength(4);
});

test('a change goes back to the engine as it came, also one of a kind we do not know (C10)', () => {
  const changes: readonly TableChange[] = [
    CHANGE,
    { ...CHANGE, changeType: 'unknown(77)' },
    { ...CHANGE, changeType: 'drop', unsafe: true, unsafeReason: 'it drops', blocked: true, modeReason: 'rewrites' },
  ];
  for (const change of changes) {
    const bytes = wire.TableChange.encode(encodeTableChange(change)).finish();
    expect(planned(wire.TableChange.decode(bytes))).toEqual(change);
  }
});

test('the rows that an engine estimates are shown as they came, and are not sent on to another engine', () => {
  expect(planned({ estimatedRows: '9223372036854775807' })?.estimatedRows).toBe('9223372036854775807');
  expect(planned({ estimatedRows: '0' })?.estimatedRows).toBe('0');
  expect(planned({})?.estimatedRows).toBeNull();
  expect(encodeTableChange({ ...CHANGE, estimatedRows: '7' }).estimatedRows).toBeUndefined();
});

test('a blocked statement is recognised in any case, and other modes are not blocked', () => {
  expect(planned({ executionMode: 'BLOCKED', modeReason: 'rewrites' })).toMatchObject({ blocked: true });
  expect(planned({ executionMode: 'direct' })).toMatchObject({ blocked: false });
});

test('a change without a namespace takes the one it stands under', () => {
  expect(planned({ tableName: 'orders' })?.namespace).toBe('public');
  expect(planned({ tableName: 'orders', namespace: 'other' })?.namespace).toBe('other');
});

test('a plan with statements per shard is no plan', () => {
  const { errors } = decodePlan(
    wire.PlanResponse.fromPartial({ planId: 'p', shards: [{ shard: '-80' }, { shard: '80-' }] }),
  );
  expect(errors).toEqual(['the plan has statements per shard (-80, 80-), and a sharded target cannot be rolled out']);
});

test('errors, lint findings and leftovers of a difference are shown (C17, C18)', () => {
  const response = wire.PlanDiffResponse.fromPartial({
    errors: ['syntax error'],
    lintViolations: [{ message: 'no primary key', table: 'orders', severity: 'ERROR' }],
    existingCopies: [{ namespace: 'public', tables: ['_orders_new'], disposition: 'discard', ageSeconds: '7200' }],
  });
  expect(decodePlanDifference(response)).toMatchObject({
    errors: ['syntax error'],
    lintViolations: [{ message: 'no primary key', table: 'orders', severity: 'error' }],
    leftovers: [{ namespace: 'public', tables: ['_orders_new'], disposition: 'discard', ageSeconds: '7200' }],
  });
});

test('a plan request says that its caller knows of grouping', () => {
  const request = encodePlanRequest({ database: 'd', type: 't', environment: 'e', target: 'x', schemaFiles: {} });
  expect(wire.PlanRequest.decode(wire.PlanRequest.encode(request).finish()).groupedExecution).toBe(false);
});
