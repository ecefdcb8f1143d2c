import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import * as wire from '../../proto/gen/tern.js';
import { decodeApplyAnswer } from '../../tern/codec-apply.js';
import { decodePlan, decodePlanDifference } from '../../tern/codec-plan.js';
import { decodeObservation } from '../../tern/codec.js';
import { CALLS } from '../../tern/calls.js';
import { failureOfStatus, statusName } from '../../tern/status.js';

/**
 * What a real data plane of the limited dialect answered, as recorded. The JSON is turned into bytes by protobufjs from
 * the .proto file, so our generated decoder is checked against another implementation.
 */
interface Step {
  readonly rpc?: string;
  readonly response?: Record<string, unknown>;
  readonly status?: { readonly code: number; readonly name: string; readonly details?: string };
}

const folder = path.join(import.meta.dirname, 'transcripts');
const root = protobuf.loadSync(path.join(import.meta.dirname, '..', '..', 'proto', 'tern.proto'));
const steps = readdirSync(folder).flatMap((file) => {
  const transcript = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { steps: readonly Step[] };
  return transcript.steps.map((step) => ({ ...step, file }));
});

function answersOf(
  rpc: string,
): readonly { readonly file: string; readonly json: object; readonly bytes: Uint8Array }[] {
  const type = root.lookupType(`tern.v1.${rpc}Response`);
  return steps.flatMap(({ rpc: name, response, file }) => {
    if (name !== rpc || response === undefined || response === null) return [];
    const json = camelCased(response);
    return [{ file, json, bytes: type.encode(type.fromObject(json)).finish() }];
  });
}

/** protobufjs gives the fields of a .proto file in camel case. Keys of maps hold no underscore that matters here. */
function camelCased(value: Record<string, unknown>): Record<string, unknown> {
  const convert = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(convert);
    return typeof inner === 'object' && inner !== null ? camelCased(inner as Record<string, unknown>) : inner;
  };
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      MAP_KEYS.has(key) ? key : key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      convert(inner),
    ]),
  );
}
const MAP_KEYS = new Set(['app_1', 'app_2', 'app_2b']);

const EXPECTED_STATE: Readonly<Record<string, string>> = {
  STATE_PENDING: 'running',
  STATE_RUNNING: 'running',
  STATE_WAITING_FOR_CUTOVER: 'waiting_for_cutover',
  STATE_CUTTING_OVER: 'cutting_over',
  STATE_COMPLETED: 'completed',
  STATE_STOPPED: 'stopped',
  STATE_CANCELLED: 'cancelled',
  // Every recorded FAILED has a table that says `failed_retryable` (engine contract 7.4).
  STATE_FAILED: 'failed_retryable',
};

test('every recorded Progress reads as the state it is', () => {
  const seen = new Set<string>();
  for (const { json, bytes, file } of answersOf('Progress')) {
    const recorded = json as { state?: string; applyId?: string; tables?: readonly { rowsCopied?: string }[] };
    const decoded = wire.ProgressResponse.decode(bytes);
    expect(decoded.applyId).toBe(recorded.applyId);
    const observation = decodeObservation(decoded, '');
    const state = recorded.state ?? 'STATE_NO_ACTIVE_CHANGE';
    expect(observation.state, file).toBe(EXPECTED_STATE[state]);
    const percent = observation.progress?.percent ?? 0;
    expect(percent).toBeGreaterThanOrEqual(0);
    expect(percent).toBeLessThanOrEqual(100);
    if (recorded.tables?.length === 1) {
      expect(observation.progress?.rowsCopied ?? '0').toBe(recorded.tables[0]?.rowsCopied ?? '0');
    }
    seen.add(state);
  }
  expect([...seen].toSorted()).toEqual([
    'STATE_CANCELLED',
    'STATE_COMPLETED',
    'STATE_FAILED',
    'STATE_PENDING',
    'STATE_RUNNING',
    'STATE_STOPPED',
    'STATE_WAITING_FOR_CUTOVER',
  ]);
});

test('every recorded Apply is accepted with an id or refused with a text', () => {
  const kinds = answersOf('Apply').map(({ json, bytes }) => {
    const answer = decodeApplyAnswer(wire.ApplyResponse.decode(bytes), '');
    const recorded = json as { accepted?: boolean; applyId?: string; applyOperationId?: string; errorMessage?: string };
    if (answer.kind === 'accepted') {
      expect(recorded.accepted).toBe(true);
      expect(answer.remoteApplyId).toBe(recorded.applyId);
      expect(answer.remoteOperationId).toBe(recorded.applyOperationId);
    } else {
      expect(answer).toMatchObject({ kind: 'refused', message: recorded.errorMessage });
    }
    return answer.kind;
  });
  expect(kinds.filter((kind) => kind === 'accepted').length).toBeGreaterThan(20);
  expect(kinds.filter((kind) => kind === 'refused').length).toBeGreaterThan(2);
});

test('every recorded plan keeps its statements in their order', () => {
  let statements = 0;
  for (const { json, bytes } of answersOf('Plan')) {
    const recorded = json as { planId: string; changes?: readonly { tableChanges: readonly { ddl: string }[] }[] };
    const plan = decodePlan(wire.PlanResponse.decode(bytes));
    expect(plan.planId).toBe(recorded.planId);
    const ddl = (recorded.changes ?? []).flatMap(({ tableChanges }) => tableChanges.map((change) => change.ddl));
    expect(plan.changes.map((change) => change.ddl)).toEqual(ddl);
    expect(plan.changes.every((change) => change.changeType !== 'other')).toBe(true);
    statements += ddl.length;
  }
  const differences = answersOf('PlanDiff').map(({ bytes }) =>
    decodePlanDifference(wire.PlanDiffResponse.decode(bytes)),
  );
  expect(differences.some(({ changes }) => changes.length > 0)).toBe(true);
  expect(statements).toBeGreaterThan(10);
});

test('every recorded answer is read the same by two implementations', () => {
  let compared = 0;
  for (const [name, method] of Object.entries(CALLS)) {
    if (name === 'findApply') continue;
    const rpc = method.name;
    const type = root.lookupType(`tern.v1.${rpc}Response`);
    for (const { bytes } of answersOf(rpc)) {
      const decoded: unknown = method.method.responseDeserialize(Buffer.from(bytes));
      const reencoded = reencode(rpc, decoded);
      expect(type.toObject(type.decode(reencoded), { longs: String, bytes: String })).toEqual(
        type.toObject(type.decode(bytes), { longs: String, bytes: String }),
      );
      compared += 1;
    }
  }
  expect(compared).toBeGreaterThan(250);
});

function reencode(rpc: string, decoded: unknown): Uint8Array {
  const codecs: Readonly<Record<string, { encode(message: never): { finish(): Uint8Array } } | undefined>> = {
    Health: wire.HealthResponse,
    Plan: wire.PlanResponse,
    PlanDiff: wire.PlanDiffResponse,
    Apply: wire.ApplyResponse,
    Progress: wire.ProgressResponse,
    Logs: wire.LogsResponse,
    Stop: wire.StopResponse,
    Start: wire.StartResponse,
    Cancel: wire.CancelResponse,
    Cutover: wire.CutoverResponse,
  };
  const codec = codecs[rpc];
  if (codec === undefined) throw new Error(`no codec for ${rpc}`);
  // The message was decoded by the same codec.
  return codec.encode(decoded as never).finish();
}

test('every recorded status is a failure of a known meaning', () => {
  const kinds = new Map(Object.values(CALLS).map(({ name, kind }) => [name, kind]));
  const meanings = new Set<string>();
  for (const { rpc = '', status } of steps) {
    const kind = kinds.get(rpc);
    if (status === undefined || status.code === 0 || kind === undefined) continue;
    expect(statusName(status.code)).toBe(status.name);
    const failure = failureOfStatus(statusName(status.code), kind);
    if (status.name === 'INTERNAL') expect(failure).toBe('EngineInternal');
    if (status.name === 'UNAVAILABLE') expect(failure).toBe('Ambiguous');
    if (status.name === 'INVALID_ARGUMENT') expect(failure).toBe('EngineRefused');
    if (status.name === 'NOT_FOUND') expect(failure).toBe('RemoteApplyMissing');
    meanings.add(status.name);
  }
  expect([...meanings].toSorted()).toEqual(['INTERNAL', 'INVALID_ARGUMENT', 'NOT_FOUND', 'UNAVAILABLE']);
});
