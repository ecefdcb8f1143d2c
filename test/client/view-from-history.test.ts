import { describe, expect, test } from 'vitest';
import type { ApplyEvent } from '../../client/history.js';
import { viewFromHistory } from '../../client/view-from-history.js';
import type { ApplyInput } from '../../domain/apply.js';
import { joinStatus } from '../../domain/status.js';
import { freshWave } from '../../domain/wave.js';
import { ROLLOUT, applyInput, change, initial, operationOf, outcome, spec } from './builders.js';

const AT = '2026-01-01T12:00:00.000Z';

function id(deployment: string): string {
  return `production/orders/${deployment}/orders_${deployment}`;
}

function began(input: ApplyInput = applyInput()): ApplyEvent[] {
  const children = input.spec.deployments.flatMap(({ name }): ApplyEvent[] => [
    { kind: 'child_initiated', workflowId: id(name), initial: initial(name), admitted: false, at: AT },
    { kind: 'child_started', workflowId: id(name), runId: `run-${name}` },
  ]);
  return [{ kind: 'started', input, at: AT }, ...children];
}

function control(name: string, message = {}, at = AT): ApplyEvent {
  return { kind: 'control', name, message, at };
}

function signal(deployment: string, name: string): ApplyEvent {
  return { kind: 'signal_sent', workflowId: id(deployment), name, at: AT };
}

function report(kind: 'parked' | 'left_parked' | 'cutover_refused'): ApplyEvent {
  const state = kind === 'left_parked' ? 'running' : 'waiting_for_cutover';
  const refused = kind === 'cutover_refused' ? ({ control: 'cutover', message: 'not now' } as const) : null;
  return { kind: 'report', report: { deployment: 'eu', attempt: 0, state, remoteApplyId: 'apply-eu', refused } };
}

/** The status a person sees with no worker, when nothing is known of the operations but the history. */
function coarse(events: readonly ApplyEvent[]) {
  return joinStatus({ view: viewFromHistory('a', events), described: {}, detail: 'coarse', nowMs: 0 });
}

describe('the view from history', () => {
  test('names the child run to describe for every operation, and what each of them was admitted to', () => {
    const view = viewFromHistory('a', [...began(), signal('eu', 'admit')]);
    expect(view.operations.map(({ deployment, runId, stage }) => [deployment, runId, stage])).toEqual([
      ['eu', 'run-eu', 'admitted'],
      ['us', 'run-us', 'pending'],
      ['ap', 'run-ap', 'pending'],
    ]);
    expect(operationOf(view, 'eu').startedAt).toBe(AT);
    expect(coarse([...began(), signal('eu', 'admit')])).toMatchObject({ state: 'running', detail: 'coarse' });
  });

  test('an operation that started admitted needs no signal', () => {
    const [started] = began();
    if (started === undefined) throw new Error('no first event');
    const view = viewFromHistory('a', [
      started,
      { kind: 'child_initiated', workflowId: id('eu'), initial: initial('eu'), admitted: true, at: AT },
    ]);
    expect(operationOf(view, 'eu')).toMatchObject({ stage: 'admitted', started: true, runId: null });
  });

  test('the outcome of a closed child is the end of its operation', () => {
    const failed = outcome('eu', 'failed', { message: 'duplicates' });
    const status = coarse([
      ...began(),
      signal('eu', 'admit'),
      { kind: 'child_closed', workflowId: id('eu'), outcome: failed },
    ]);
    expect(status.message).toBe('eu: duplicates');
    expect(status.counts).toEqual({ failed: 1, pending: 2 });
  });

  test('a child that was lost has not ended: its apply starts it again with the same attempt', () => {
    const lost: readonly ApplyEvent[] = [
      ...began(),
      signal('eu', 'admit'),
      { kind: 'child_closed', workflowId: id('eu'), outcome: null },
    ];
    expect(operationOf(viewFromHistory('a', lost), 'eu')).toMatchObject({ stage: 'admitted', outcome: null });
    const view = viewFromHistory('a', [
      ...lost,
      {
        kind: 'child_initiated',
        workflowId: id('eu'),
        initial: initial('eu', { started: true, atRest: false }),
        admitted: true,
        at: AT,
      },
      { kind: 'child_started', workflowId: id('eu'), runId: 'run-eu-2' },
    ]);
    expect(operationOf(view, 'eu')).toMatchObject({ stage: 'admitted', runId: 'run-eu-2', outcome: null });
  });

  test('a stop counts from the moment it is in history, whoever sent it and with whatever', () => {
    expect(coarse([...began(), signal('eu', 'admit'), control('stop')])).toMatchObject({ state: 'stopping' });
    const twice = viewFromHistory('a', [...began(), control('stop', { by: 'ann' }), control('stop', { by: 'bob' })]);
    expect(twice.stop).toBe(true);
    expect(twice.controls.map(({ name, by, settledAt }) => [name, by, settledAt])).toEqual([['stop', 'ann', null]]);
  });

  test('a signal that is no control of ours changes nothing', () => {
    expect(viewFromHistory('a', [...began(), control('frobnicate')]).controls).toEqual([]);
  });

  test('an accepted retry is on record and its new attempt replaces the outcome', () => {
    const view = viewFromHistory('a', [
      ...began(),
      signal('eu', 'admit'),
      { kind: 'child_closed', workflowId: id('eu'), outcome: outcome('eu', 'failed') },
      control('retry', { by: 'ann', deployments: ['eu'] }),
      {
        kind: 'child_initiated',
        workflowId: id('eu'),
        initial: initial('eu', { attempt: 1 }),
        admitted: false,
        at: AT,
      },
    ]);
    expect(operationOf(view, 'eu')).toMatchObject({ stage: 'pending', attempt: 1, outcome: null });
    expect(view.controls.map(({ name, deployments }) => [name, deployments])).toEqual([['retry', ['eu']]]);
  });

  test('parked, permitted and refused again follow the reports of the operation', () => {
    const parked = [...began(), signal('eu', 'admit'), report('parked')];
    expect(operationOf(viewFromHistory('a', parked), 'eu')).toMatchObject({ stage: 'parked', permitted: false });
    const permitted = [...parked, signal('eu', 'permit')];
    expect(operationOf(viewFromHistory('a', permitted), 'eu')).toMatchObject({ stage: 'parked', permitted: true });
    const refused = [...permitted, report('cutover_refused')];
    expect(operationOf(viewFromHistory('a', refused), 'eu')).toMatchObject({ permitted: false, cutoverRefused: true });
  });

  test('what an earlier run carried over stands before anything happens in this one', () => {
    const input = applyInput({
      carried: {
        operations: [
          initial('eu', { ended: outcome('eu', 'completed') }),
          initial('us', { attempt: 2, started: true, remoteApplyId: 'apply-us', startedAt: AT }),
          initial('ap'),
        ],
        released: true,
        cancel: false,
        waves: [],
        controls: [{ name: 'stop', by: 'ann', at: AT, settledAt: AT, deployments: [], wave: null, reason: null }],
        startedAt: AT,
      },
    });
    const view = viewFromHistory('a', [{ kind: 'started', input, at: AT }]);
    expect(view).toMatchObject({ released: true, stop: false, cancel: false });
    expect(operationOf(view, 'eu').stage).toBe('ended');
    expect(operationOf(view, 'us')).toMatchObject({ stage: 'pending', attempt: 2, remoteApplyId: 'apply-us' });
    expect(view.controls).toHaveLength(1);
  });

  test('a stop of this run is on record beside the settled one of an earlier run', () => {
    const settled = {
      name: 'stop',
      by: null,
      at: AT,
      settledAt: AT,
      deployments: [],
      wave: null,
      reason: null,
    } as const;
    const input = applyInput({
      carried: {
        operations: [initial('eu'), initial('us'), initial('ap')],
        released: false,
        cancel: false,
        waves: [],
        controls: [settled],
        startedAt: null,
      },
    });
    const view = viewFromHistory('a', [...began(input), control('stop')]);
    expect(view.stop).toBe(true);
    expect(view.controls.map(({ settledAt }) => settledAt)).toEqual([AT, null]);
  });

  test('a deployment with an empty plan is done without a workflow of its own', () => {
    const classes = [
      {
        digest: 'busy',
        changes: [change('ALTER TABLE orders ADD COLUMN note text')],
        lintViolations: [],
        leftovers: [],
      },
      { digest: 'idle', changes: [], lintViolations: [], leftovers: [] },
    ];
    const base = applyInput();
    const deployments = base.plan.deployments.map((planned) => ({
      ...planned,
      digest: planned.deployment === 'us' ? 'idle' : 'busy',
    }));
    const view = viewFromHistory('a', [
      { kind: 'started', input: { ...base, plan: { ...base.plan, classes, deployments } }, at: AT },
    ]);
    expect(view.operations.map(({ stage }) => stage)).toEqual(['pending', 'ended', 'pending']);
    expect(operationOf(view, 'us').outcome).toMatchObject({
      state: 'completed',
      reason: 'nothing_to_do',
      started: false,
    });
  });
});

describe('the approval of a wave, told from history', () => {
  const waves = [
    { name: 'canary', deployments: ['eu'], bakeTimeMs: 0, gate: 'auto', expiresAfterMs: null },
    { name: 'rest', deployments: ['us', 'ap'], bakeTimeMs: 0, gate: 'manual', expiresAfterMs: null },
  ] as const;
  const input = applyInput({ spec: spec({ rollout: { ...ROLLOUT, waves } }) });

  function approvedBy(...controls: readonly ApplyEvent[]): string | null {
    return viewFromHistory('a', [...began(input), ...controls]).waves[1]?.approvedBy ?? null;
  }

  const approve = control('approve', { by: 'ann', wave: 'rest' });

  test('counts when it names the wave', () => {
    expect(approvedBy(approve)).toBe('ann');
    expect(approvedBy(approve, control('stop'))).toBe('ann');
    expect(approvedBy(approve, control('cancel', { deployments: ['eu'] }))).toBe('ann');
    expect(approvedBy(control('reject', { wave: 'other' }), approve)).toBe('ann');
  });

  test('counts for nothing where it may have been refused or taken back, so that the gate is asked again', () => {
    expect(approvedBy(control('approve', { by: 'ann' }))).toBeNull();
    expect(approvedBy(control('stop'), approve)).toBeNull();
    expect(approvedBy(control('cancel'), approve)).toBeNull();
    expect(approvedBy(approve, control('reject', { wave: 'rest' }))).toBeNull();
    expect(approvedBy(control('reject'), approve)).toBeNull();
  });

  test('of an earlier run is what that run left of it', () => {
    const carried = {
      operations: [],
      released: false,
      cancel: false,
      controls: [{ name: 'approve', by: 'ann', at: AT, settledAt: AT, deployments: [], wave: 'rest', reason: null }],
      waves: [freshWave('canary'), freshWave('rest')],
      startedAt: null,
    } as const;
    const view = viewFromHistory('a', [{ kind: 'started', input: { ...input, carried }, at: AT }]);
    expect(view.waves[1]?.approvedAt).toBeNull();
  });

  test('what the workflow would not have taken does not count: a release of an open policy, a name that is none', () => {
    const view = viewFromHistory('a', [
      ...began(),
      control('release'),
      control('cancel', { deployments: ['typo'] }),
      control('cancel', { deployments: 'eu' }),
    ]);
    expect(view).toMatchObject({ released: false, cancel: false, controls: [] });
  });
});
