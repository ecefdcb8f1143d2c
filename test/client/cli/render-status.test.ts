import { Chalk } from 'chalk';
import { describe, expect, test } from 'vitest';
import { renderChanges } from '../../../client/cli/render-changes.js';
import { type RenderOptions, renderStatus } from '../../../client/cli/render-status.js';
import { applyStatus, operationStatus } from '../builders.js';

const OPTIONS: RenderOptions = {
  style: new Chalk({ level: 0 }),
  now: new Date('2026-01-01T12:01:05.000Z'),
  columns: 100,
  rowsMax: null,
  program: 'skein',
};

const HALF = { percent: 50, rowsCopied: '500', rowsTotal: '1000', etaSeconds: 5 };

describe('the table of a status', () => {
  test('shows state, phase, progress, elapsed time and what each deployment waits on', () => {
    const status = applyStatus({
      operations: [
        operationStatus('eu', 'completed', {
          completedAt: '2026-01-01T12:00:12.000Z',
          progress: { ...HALF, percent: 100 },
        }),
        operationStatus('us', 'running', {
          phase: 'catching_up',
          progress: HALF,
          waitingOn: 'waits for an old snapshot',
        }),
        operationStatus('ap', 'pending'),
      ],
    });
    expect(renderStatus(status, OPTIONS)).toMatchInlineSnapshot(`
      "orders-1  orders, production   running   1 of 3 ended   1m 05s

      DEPLOYMENT  STATE                  PROGRESS           ELAPSED  DETAIL
      eu          completed              ████████████ 100%  12s
      us          running (catching_up)  ██████░░░░░░  50%  1m 05s   waits for an old snapshot
      ap          pending"
    `);
  });

  test('shows what is different beside the change, also of what completed', () => {
    const drift = ['DROP COLUMN hand on u', 'DROP INDEX x on u'];
    const status = applyStatus({ state: 'completed', operations: [operationStatus('eu', 'completed', { drift })] });
    const shown = 'not part of this change: DROP COLUMN hand on u; DROP INDEX x on u';
    expect(renderStatus(status, OPTIONS)).toContain(shown);
    expect(renderChanges(null, status)).toContain(`eu  completed  ${shown}`);
  });

  test('tells a failure that was skipped from one that was not', () => {
    const operations = [
      operationStatus('eu', 'failed', { skipped: true }),
      operationStatus('us', 'failed'),
      operationStatus('ap', 'stopped', { skipped: true, reason: 'skip' }),
    ];
    const text = renderStatus(applyStatus({ state: 'failed', operations }), OPTIONS);
    expect(text).toMatch(/^eu +failed \(skipped\)/m);
    expect(text).toMatch(/^us +failed(?! \()/m);
    expect(text).toMatch(/^ap +stopped \(skip\)/m);
  });

  test('names what is waited for, since when, and the commands that end it', () => {
    const status = applyStatus({
      state: 'paused',
      message: 'eu: duplicates',
      waitingFor: {
        for: 'release',
        since: '2026-01-01T12:00:05.000Z',
        until: null,
        wave: null,
        commands: ['release orders-1', 'stop orders-1'],
      },
      operations: [operationStatus('eu', 'failed', { message: 'duplicates' }), operationStatus('us', 'pending')],
    });
    expect(renderStatus(status, OPTIONS)).toMatchInlineSnapshot(`
      "orders-1  orders, production   paused   1 of 2 ended   1m 05s
        eu: duplicates
        waits for release for 1m 00s; what you can do
          skein release orders-1
          skein stop orders-1

      DEPLOYMENT  STATE    PROGRESS  ELAPSED  DETAIL
      eu          failed             1m 05s   duplicates
      us          pending"
    `);
  });

  test('says how old an unreachable engine is, that no worker answers, and that a run was interrupted', () => {
    const unreachable = operationStatus('eu', 'running', {
      unreachableSince: '2026-01-01T12:00:30.000Z',
      message: 'connection refused',
    });
    expect(renderStatus(applyStatus({ detail: 'coarse', operations: [unreachable] }), OPTIONS)).toMatchInlineSnapshot(`
      "orders-1  orders, production   running   0 of 1 ended   1m 05s   no worker answers

      DEPLOYMENT  STATE                 PROGRESS  ELAPSED  DETAIL
      eu          running, unreachable            1m 05s   no answer since 2026-01-01 12:00:30: connectio…

      eu: no answer since 2026-01-01 12:00:30: connection refused"
    `);
    expect(renderStatus(applyStatus({ interrupted: 'timed_out' }), OPTIONS)).toContain('interrupted (timed out)');
  });

  test('cuts what does not fit, and says it in full below', () => {
    const message = `${'x'.repeat(120)} the end`;
    const text = renderStatus(applyStatus({ operations: [operationStatus('eu', 'failed', { message })] }), OPTIONS);
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([`eu: ${message}`]);
  });

  test('never has more rows than asked for, keeps what moves and what failed, and counts the rest', () => {
    const operations = [
      ...Array.from({ length: 50 }, (_, index) => operationStatus(`done-${index}`, 'completed')),
      operationStatus('broken', 'failed'),
      operationStatus('busy', 'running'),
      ...Array.from({ length: 50 }, (_, index) => operationStatus(`waiting-${index}`, 'pending')),
    ];
    const lines = renderStatus(applyStatus({ operations }), { ...OPTIONS, rowsMax: 5 }).split('\n');
    expect(lines).toHaveLength(9);
    expect(lines.some((line) => line.startsWith('broken'))).toBe(true);
    expect(lines.some((line) => line.startsWith('busy'))).toBe(true);
    expect(lines.at(-1)).toBe('… and 47 completed, 50 pending');
  });
});

describe('lines on change, for output that cannot move the cursor', () => {
  const before = applyStatus({
    operations: [operationStatus('eu', 'running', { progress: HALF }), operationStatus('us', 'pending')],
  });

  test('the first status names the apply and what is not pending', () => {
    expect(renderChanges(null, before)).toEqual(['orders-1  running', 'eu  running  50%']);
  });

  test('nothing changed, or only a little progress: no line', () => {
    const later = applyStatus({
      operations: [
        operationStatus('eu', 'running', { progress: { ...HALF, percent: 55 } }),
        operationStatus('us', 'pending'),
      ],
    });
    expect(renderChanges(before, before)).toEqual([]);
    expect(renderChanges(before, later)).toEqual([]);
  });

  test('a state, a message, and a wait for a person each make a line', () => {
    const after = applyStatus({
      state: 'paused',
      waitingFor: {
        for: 'release',
        since: '2026-01-01T12:00:05.000Z',
        until: null,
        wave: null,
        commands: ['release orders-1'],
      },
      operations: [operationStatus('eu', 'failed', { message: 'duplicates' }), operationStatus('us', 'pending')],
    });
    expect(renderChanges(before, after)).toEqual([
      'orders-1  paused',
      'eu  failed  duplicates',
      'orders-1  waits for release: release orders-1',
    ]);
  });
});
