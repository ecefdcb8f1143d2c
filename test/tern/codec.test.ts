import { expect, test } from 'vitest';
import { OPERATION_STATES } from '../../domain/state.js';
import { ProgressResponse, State, type TableProgress } from '../../proto/gen/tern.js';
import { decodeObservation, missingObservation, normalizeTableStatus, OBSERVED_STATE } from '../../tern/codec.js';

const ADDRESS = 'engine.internal:9090';
type Fields = Parameters<typeof ProgressResponse.fromPartial>[0];
const observe = (fields: Fields) => decodeObservation(ProgressResponse.fromPartial(fields), ADDRESS);
/** What a decoder gives for a number outside the enumeration. */
const wireState = (number: number): State => number as State;

test('every state of the wire has a state of the domain, and the finer ones are running with the name as phase', () => {
  for (const [name, number] of Object.entries(State)) {
    const { state, phase } = observe({ state: number });
    const word = name.slice('STATE_'.length).toLowerCase();
    const own = (OPERATION_STATES as readonly string[]).includes(word) && word !== 'pending';
    if (name === 'STATE_NO_ACTIVE_CHANGE') expect([state, phase]).toEqual(['missing', null]);
    else if (own) expect([state, phase], name).toEqual([word, null]);
    else expect([state, phase], name).toEqual(['running', word]);
  }
  expect(Object.keys(OBSERVED_STATE)).toHaveLength(23);
});

test('a state that is not in the contract is running and visible (C20)', () => {
  expect(observe({ state: wireState(99) })).toMatchObject({ state: 'running', phase: 'unknown(99)' });
  expect(observe({ state: wireState(-1) })).toMatchObject({ state: 'running', phase: 'unknown(-1)' });
});

test('an empty answer is a missing apply, never success or idleness (C19)', () => {
  expect(decodeObservation(ProgressResponse.decode(new Uint8Array()), ADDRESS)).toEqual(missingObservation(''));
});

test('FAILED while a table retries is a pause (C22), whatever case and prefix the table uses (C30)', () => {
  for (const status of ['failed_retryable', 'FAILED_RETRYABLE', 'STATE_FAILED_RETRYABLE', 'Failed-Retryable']) {
    expect(observe({ state: State.STATE_FAILED, tables: [{ status: 'completed' }, { status }] }).state).toBe(
      'failed_retryable',
    );
  }
  expect(observe({ state: State.STATE_FAILED, tables: [{ status: 'failed' }] }).state).toBe('failed');
  expect(observe({ state: State.STATE_COMPLETED, tables: [{ status: 'failed_retryable' }] }).state).toBe('completed');
});

test('a table status is read in any case and with any prefix', () => {
  const spellings = ['running', 'RUNNING', ' Running ', 'STATE_RUNNING', 'task_running', 'STATUS_Running'];
  expect(new Set(spellings.map(normalizeTableStatus))).toEqual(new Set(['running']));
  expect(normalizeTableStatus('Waiting for-Cutover')).toBe('waiting_for_cutover');
});

const failed = (fields: Fields) => observe({ state: State.STATE_FAILED, ...fields }).message;

test('the message of a failed apply is the best that the engine gave', () => {
  const bad = { status: 'failed', namespace: 'public', tableName: 'orders', errorMessage: 'duplicate key' };
  expect(failed({ errorMessage: 'whole', summary: 'sum', tables: [bad] })).toBe('whole');
  expect(failed({ summary: 'sum', tables: [{ status: 'completed', errorMessage: 'old' }, bad] })).toBe(
    'public.orders: duplicate key',
  );
  expect(failed({ summary: 'sum', tables: [{ ...bad, errorMessage: '' }] })).toBe('sum');
  expect(failed({ tables: [{ ...bad, errorMessage: '' }] })).toBe('the engine gave no reason; failed: public.orders');
  expect(failed({})).toBe('');
});

test('the text of an engine loses addresses and passwords, and is cut when it is huge', () => {
  const { message } = observe({
    state: State.STATE_FAILED,
    errorMessage: `dial engine.internal:9090 10.1.2.3:5432 as postgres://root:secret@db/x ${'x'.repeat(10_000)}`,
  });
  expect(message).toMatch(/^dial <address> <address> as postgres:\/\/\*\*\*@db\/x x+ … \(\d+ more characters\)$/);
  expect(message.length).toBeLessThan(4_100);
});

const percent = (tables: readonly Partial<TableProgress>[], state: State = State.STATE_RUNNING) =>
  observe({ state, tables: [...tables] }).progress?.percent;

test('percent is clamped, comes from rows where every table counts them, and is null where nobody says', () => {
  expect(percent([])).toBeUndefined();
  expect(percent([{ status: 'running' }])).toBeNull();
  expect(percent([{ percentComplete: 140 }])).toBe(100);
  expect(percent([{ percentComplete: -3, rowsTotal: '10' }])).toBe(0);
  expect(percent([{ rowsCopied: '120', rowsTotal: '100' }])).toBe(100);
  expect(percent([{ rowsCopied: '10', rowsTotal: '40', percentComplete: 24 }])).toBe(25);
  expect(
    percent([
      { rowsCopied: '10', rowsTotal: '10' },
      { rowsCopied: '0', rowsTotal: '90' },
    ]),
  ).toBe(10);
  expect(percent([{ status: 'Completed' }, { percentComplete: 50 }])).toBe(75);
  expect(percent([{ status: 'completed' }], State.STATE_COMPLETED)).toBe(100);
});

test('counts beyond what a double holds stay exact', () => {
  const tables = [{ rowsCopied: '9007199254740993', rowsTotal: '9223372036854775807' }];
  const { progress } = observe({ state: State.STATE_RUNNING, tables });
  expect(progress).toMatchObject({ rowsCopied: '9007199254740993', rowsTotal: '9223372036854775807', percent: 0 });
});

test('what an engine is doing or waiting for is one line', () => {
  const tables = [
    { namespace: 'public', tableName: 'orders', progressDetail: 'waiting for 1 old snapshot' },
    { tableName: 'items', throttled: true, throttleReason: 'replica lag' },
  ];
  expect(observe({ state: State.STATE_RUNNING, tables }).detail).toBe(
    'public.orders: waiting for 1 old snapshot; items: throttled, replica lag',
  );
});

test('what works is told before what is ready and waits', () => {
  const tables = [
    { tableName: 'items', status: 'waiting_for_cutover', progressDetail: 'waiting for cutover' },
    { tableName: 'orders', status: 'running', progressDetail: 'building index' },
  ];
  expect(observe({ state: State.STATE_RUNNING, tables }).detail).toBe(
    'orders: building index; items: waiting for cutover',
  );
});

test('settled control requests keep their time, so that an old one can be told from ours (C34)', () => {
  const settled = { operation: 'stop', status: 'failed', errorMessage: 'too late', settledAt: '2026-11-22T04:00:00Z' };
  expect(observe({ state: State.STATE_COMPLETED, settledControlRequests: [settled] }).settledControls).toEqual([
    { operation: 'stop', status: 'failed', message: 'too late', settledAt: '2026-11-22T04:00:00Z' },
  ]);
});

test('when the engine gives up what is parked is read, and what is no time is not', () => {
  const parkedUntil = (parked_until: string) =>
    observe({ state: State.STATE_WAITING_FOR_CUTOVER, metadata: { parked_until } }).parkedUntil;
  expect(parkedUntil('2026-11-22T04:00:00Z')).toBe('2026-11-22T04:00:00.000Z');
  expect(parkedUntil('2026-11-22T06:00:00.123456789+02:00')).toBe('2026-11-22T04:00:00.123Z');
  for (const text of ['', 'soon', '2026', '2026-11-22', '2026-11-22T04:00:00', '2026-13-45T99:00:00Z'])
    expect(parkedUntil(text), text).toBeNull();
  expect(observe({ state: State.STATE_WAITING_FOR_CUTOVER }).parkedUntil).toBeNull();
});

test('an apply without tasks answers with a state alone (C27)', () => {
  expect(observe({ state: State.STATE_RUNNING, applyId: '', tables: [] })).toMatchObject({
    state: 'running',
    progress: null,
  });
});
