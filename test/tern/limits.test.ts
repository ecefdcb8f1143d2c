import { expect, test } from 'vitest';
import { CHANNEL_OPTIONS, DEADLINE_MS, PATIENCE, deadlineMsOf } from '../../tern/limits.js';

test('the transport repeats nothing and takes no orders from DNS (C41)', () => {
  expect(CHANNEL_OPTIONS['grpc.enable_retries']).toBe(0);
  expect(CHANNEL_OPTIONS['grpc.service_config_disable_resolution']).toBe(1);
  expect(CHANNEL_OPTIONS['grpc.service_config']).toBeUndefined();
});

test('pings are rarer than every five minutes, which is what a Go server tolerates (C43)', () => {
  expect(CHANNEL_OPTIONS['grpc.keepalive_time_ms']).toBeGreaterThan(5 * 60_000);
  expect(CHANNEL_OPTIONS['grpc.keepalive_permit_without_calls']).toBe(0);
});

test('an answer of 16 MiB is read (C42), and an engine that comes back is noticed within a second', () => {
  expect(CHANNEL_OPTIONS['grpc.max_receive_message_length']).toBe(16 * 1024 * 1024);
  expect(CHANNEL_OPTIONS['grpc.max_reconnect_backoff_ms']).toBe(1_000);
});

test('only planning may take minutes; whatever moves an engine is settled within half a minute', () => {
  const { plan, planDiff, ...others } = DEADLINE_MS;
  expect(Math.max(plan, planDiff)).toBe(300_000);
  expect(Math.max(...Object.values(others))).toBe(30_000);
});

test('a worker sets deadlines per class of call, and a cap holds over all of them', () => {
  const patience = { ...PATIENCE, deadlinesMs: { read: 3_000, control: 45_000 } };
  expect(deadlineMsOf('progress', patience)).toBe(3_000);
  expect(deadlineMsOf('revert', patience)).toBe(45_000);
  expect(deadlineMsOf('apply', patience)).toBe(DEADLINE_MS.apply);
  expect(deadlineMsOf('control', { ...patience, deadlineMsMax: 1_000 })).toBe(1_000);
});
