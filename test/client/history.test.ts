import type { Client } from '@temporalio/client';
import { defaultDataConverter } from '@temporalio/common/lib/converter/data-converter.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApplyEvent, readHistory } from '../../client/history.js';
import { readTrace } from '../../client/operation-history.js';
import { viewFromHistory } from '../../client/view-from-history.js';
import { CONTROL_UPDATES, SIGNALLED } from '../../workflows/messages.js';
import { type RawPayload, payload } from '../support/activation.js';
import { JUNK, UNDECODABLE } from '../support/junk.js';
import { applyInput, initial, spec } from './builders.js';

const idOf = (name: string) => `production/orders/${name}/orders_${name}`;

/** A client to which the server gives this history, and nothing else. */
function clientOf(events: readonly object[]): Client {
  const numbered = events.map((event, index) => ({ eventId: index + 1, ...event }));
  const getHandle = () => ({ fetchHistory: async () => ({ events: numbered }) });
  return { workflow: { getHandle }, options: { loadedDataConverter: defaultDataConverter } } as unknown as Client; // all that is asked of it
}

function started(input: unknown): object {
  return { workflowExecutionStartedEventAttributes: { input: { payloads: [payload(input)] } } };
}

function signal(signalName: string, payloads: readonly RawPayload[]): object {
  return { workflowExecutionSignaledEventAttributes: { signalName, input: { payloads } } };
}

/** Two deployments whose children wait, the first one admitted. */
const BEGUN: readonly object[] = [
  started(applyInput({ spec: spec({}, ['eu', 'us']) })),
  ...['eu', 'us'].map((name) => ({
    startChildWorkflowExecutionInitiatedEventAttributes: {
      workflowId: idOf(name),
      input: { payloads: [payload({ initial: initial(name), admitted: name === 'eu' })] },
    },
  })),
];

async function viewOf(...more: readonly object[]) {
  return viewFromHistory('a', await readHistory(clientOf([...BEGUN, ...more]), { apply: 'a', runId: 'run' }));
}

const PAYLOADS: readonly (readonly [string, readonly RawPayload[]])[] = [
  ['nothing', []],
  ...Object.entries(JUNK).map(([name, value]) => [name, [payload(value)]] as const),
  ...Object.entries(UNDECODABLE).map(([name, raw]) => [name, [raw]] as const),
];

describe('a history in which a stranger has signalled', () => {
  it.each(PAYLOADS)('%s, reads as if nobody had, but for what a bare control means', async (what, payloads) => {
    const before = await viewOf();
    const all = ['report', 'release', 'giveUp', 'admit', 'retry', 'skip', 'start', 'frobnicate', 'constructor', ''];
    expect(await viewOf(...all.map((name) => signal(name, payloads)))).toEqual(before);
    for (const name of SIGNALLED) expect((await viewOf(signal(name, payloads))).operations).toEqual(before.operations);
    expect(await viewOf(signal('stop', payloads))).toMatchObject({ stop: true, controls: [{ deployments: [] }] });
    // What was named in bytes that nobody can read is not known: it is not the whole apply.
    expect(await viewOf(signal('cancel', payloads))).toMatchObject({ cancel: !(what in UNDECODABLE) });
  });

  it('what the workflow refuses, does not show it: names where only the whole apply is meant, another environment', async () => {
    const before = await viewOf();
    const refused = [
      signal('stop', [payload({ deployments: ['eu'] })]),
      signal('stop', [payload({ environment: 'test' })]),
      signal('cancel', [payload({ deployments: { eu: true } })]),
      signal('cancel', [payload({ environment: ['production'] })]),
    ];
    expect(await viewOf(...refused)).toEqual(before);
  });

  it('a report of another attempt than the one under way, does not believe it', async () => {
    const report = { deployment: 'eu', attempt: 1, state: 'revert_window', remoteApplyId: 'x', refused: null };
    expect(await viewOf(signal('report', [payload(report)]))).toEqual(await viewOf());
    const own = await viewOf(signal('report', [payload({ ...report, attempt: 0 })]));
    expect(own.operations).toMatchObject([{ stage: 'parked', reported: 'revert_window' }, { stage: 'pending' }]);
  });

  it('is read also where an accepted update holds junk, and the input of an operation does as well', async () => {
    for (const [, payloads] of PAYLOADS) {
      const updates = Object.keys(CONTROL_UPDATES).map((name) => ({
        workflowExecutionUpdateAcceptedEventAttributes: { acceptedRequest: { input: { name, args: { payloads } } } },
      }));
      expect((await viewOf(...updates)).stop).toBe(true);
      const child = { workflowId: idOf('us'), input: { payloads } };
      const completed = { workflowExecution: { workflowId: idOf('us') }, result: { payloads } };
      const view = await viewOf(
        { startChildWorkflowExecutionInitiatedEventAttributes: child },
        { childWorkflowExecutionCompletedEventAttributes: completed },
      );
      expect(view.operations).toMatchObject([{ stage: 'admitted' }, { stage: 'pending', outcome: null }]);
    }
  });
});

describe('a workflow that somebody started without the input of an apply', () => {
  it.each(PAYLOADS)('(%s) is none of this product', async (_what, payloads) => {
    const client = clientOf([{ workflowExecutionStartedEventAttributes: { input: { payloads } } }]);
    await expect(readHistory(client, { apply: 'a', runId: 'run' })).rejects.toMatchObject({ kind: 'unknown_apply' });
  });
});

describe('the history of an operation in which a stranger has signalled', () => {
  it.each(PAYLOADS)('%s, reads as if nobody had', async (_what, payloads) => {
    const begun = [started({ initial: initial('eu'), admitted: true })];
    const names = ['giveUp', 'stop', 'cancel', 'permit', 'revert', 'frobnicate'];
    const run = { workflowId: idOf('eu'), runId: 'run' };
    const junk = names.map((name) => signal(name, payloads));
    expect(await readTrace(clientOf([...begun, ...junk]), run)).toEqual(await readTrace(clientOf(begun), run));
  });
});

describe('the view of a history', { timeout: 60_000 }, () => {
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(...Object.values(JUNK)));
  const sent = fc.oneof(
    anything,
    fc.record(
      {
        deployment: fc.constantFrom('eu', 'us', 'xx'),
        attempt: fc.oneof(fc.constant(0), anything),
        state: fc.oneof(fc.constantFrom('running', 'completed', 'revert_window'), anything),
        refused: fc.oneof(fc.constant(null), anything),
        remoteApplyId: fc.oneof(fc.constant('apply-1'), anything),
        deployments: fc.oneof(fc.constantFrom(['eu'], ['xx'], 'eu'), anything),
        by: anything,
        reason: anything,
        environment: anything,
        wave: anything,
      },
      { requiredKeys: [] },
    ),
  );
  const name = fc.constantFrom(...Object.keys(CONTROL_UPDATES), 'report', 'frobnicate', '__proto__');
  const event = fc.oneof(
    fc.record({ kind: fc.constant('control' as const), name, message: sent, at: fc.constant('2026-01-01T00:00:00Z') }),
    fc.record({ kind: fc.constant('report' as const), report: sent }),
    fc.record({ kind: fc.constant('signal_sent' as const), workflowId: fc.string(), name, at: fc.string() }),
  );

  it('is told whatever strangers have sent, ends nothing by their word, and shows a stop that came after it', () => {
    const input = applyInput({ spec: spec({}, ['eu', 'us']) });
    const first: ApplyEvent = { kind: 'started', input, at: '2026-01-01T00:00:00Z' };
    const stop: ApplyEvent = { kind: 'control', name: 'stop', message: undefined, at: '2026-01-01T00:00:00Z' };
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), (junk) => {
        const view = viewFromHistory('a', [first, ...junk, stop]);
        expect(view.stop).toBe(true);
        expect(view.operations.map(({ outcome, stage }) => [outcome, stage === 'ended'])).toEqual([
          [null, false],
          [null, false],
        ]);
        for (const { reported } of view.operations) expect(['completed', 'pending']).not.toContain(reported);
        for (const { by, reason, deployments } of view.controls) {
          for (const text of [by, reason]) expect(text === null || typeof text === 'string').toBe(true);
          expect(deployments.every((one) => ['eu', 'us'].includes(one))).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
