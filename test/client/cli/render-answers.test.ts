import { describe, expect, test } from 'vitest';
import { renderExplanation, renderReport, renderResumed } from '../../../client/cli/render-answers.js';
import { explainStatus } from '../../../client/why.js';
import { applyStatus, operationStatus } from '../builders.js';
import { recordedTerminal } from './terminal.js';

const TERMINAL = recordedTerminal();
const NAMES = Array.from({ length: 400 }, (_, index) => `d${index}`);

describe('the answer to a control', () => {
  test('says where it found each deployment', () => {
    const deployments = { eu: 'stopping', us: 'not_started' } as const;
    expect(renderReport({ apply: 'orders-1', control: 'stop', answer: 'accepted', deployments }, TERMINAL)).toBe(
      ['stop of orders-1 is in force', '', 'DEPLOYMENT  FOUND', 'eu          stopping', 'us          not started'].join(
        '\n',
      ),
    );
  });

  test('puts those together of which it says the same where they are many', () => {
    const deployments = Object.fromEntries(
      NAMES.map((name, index) => [name, index < 3 ? ('stopping' as const) : ('not_started' as const)]),
    );
    const report = { apply: 'orders-1', control: 'stop', answer: 'accepted', deployments } as const;
    expect(renderReport(report, TERMINAL).split('\n').slice(3)).toEqual([
      'd0, d1, d2                           stopping',
      'd3, d4, d5, d6, d7, d8, d9, … (397)  not started',
    ]);
  });

  test('names few of the hundreds that go on', () => {
    expect(renderResumed({ apply: 'orders-1', runId: 'run', deployments: NAMES })).toBe(
      'orders-1 goes on in a new run: d0, d1, d2, d3, d4, d5, d6, … (400)',
    );
  });
});

describe('an explanation', () => {
  test('says since when and until when, and what to type', () => {
    const waitingFor = {
      for: 'gate',
      since: '2026-01-01T12:00:05.000Z',
      until: '2026-01-02T12:00:05.000Z',
      wave: 'rest',
      commands: ['approve orders-1 --wave rest', 'reject orders-1 --wave rest'],
    } as const;
    const status = applyStatus({ waitingFor, operations: [operationStatus('eu', 'completed')] });
    expect(renderExplanation(explainStatus(status), TERMINAL)).toMatchInlineSnapshot(`
      "orders-1 is running: wave rest has a gate, and a person has to approve or reject it (for 1m 00s, until 2026-01-02 12:00:05)

      eu  completed
        because  completed
        next     the next step

      What to do next:
        skein approve orders-1 --wave rest
        skein reject orders-1 --wave rest"
    `);
  });

  test('of hundreds of deployments says the same thing once', () => {
    const operations = [operationStatus('busy', 'running'), ...NAMES.map((name) => operationStatus(name, 'pending'))];
    const text = renderExplanation(explainStatus(applyStatus({ operations })), TERMINAL);
    expect(text.split('\n').length).toBeLessThan(15);
    expect(text).toContain('d0, d1, d2, d3, d4, d5, d6, … (400)  pending');
  });
});
