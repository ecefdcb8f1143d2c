import { describe, expect, test } from 'vitest';
import { explainStatus, needsPerson } from '../../client/why.js';
import { applyStatus, operationStatus } from './builders.js';

const SINCE = '2026-01-01T12:00:10.000Z';

describe('why', () => {
  test('a paused apply waits for a person, says which setback closed it and what ends the wait', () => {
    const status = applyStatus({
      state: 'paused',
      waitingFor: {
        for: 'release',
        since: SINCE,
        until: null,
        wave: null,
        commands: ['release orders-1', 'stop orders-1'],
      },
      operations: [operationStatus('eu', 'failed', { message: 'duplicates' }), operationStatus('us', 'pending')],
    });
    const why = explainStatus(status);
    expect(needsPerson(status)).toBe(true);
    expect(why).toMatchObject({
      waitingFor: 'release',
      since: SINCE,
      needsPerson: true,
      commands: ['release orders-1', 'stop orders-1'],
    });
    expect(why.deployments.map(({ because }) => because)).toEqual(['duplicates', 'it is held: eu closed the policy']);
  });

  test('a pending deployment names those whose turn it is', () => {
    const why = explainStatus(
      applyStatus({ operations: [operationStatus('eu', 'running'), operationStatus('us', 'pending')] }),
    );
    expect(why.deployments[1]?.because).toBe('its turn comes after eu (maxConcurrency 1)');
    expect(why.commands).toEqual(['watch orders-1', 'stop orders-1']);
  });

  test('an unreachable engine is named with the time it went silent and how to give it up', () => {
    const command = 'skip orders-1 --deployment eu --unconfirmed --reason <text>';
    const why = explainStatus(
      applyStatus({
        state: 'stopping',
        waitingFor: { for: 'engine', since: SINCE, until: null, wave: null, commands: [command] },
        operations: [operationStatus('eu', 'running', { unreachableSince: SINCE, message: 'connection refused' })],
      }),
    );
    expect(why.deployments[0]?.because).toBe(`its engine has not answered since ${SINCE}: connection refused`);
    expect(why.commands).toEqual([command]);
    expect(why.needsPerson).toBe(false);
  });

  test('with no worker the next step is to start one', () => {
    const why = explainStatus(applyStatus({ detail: 'coarse', operations: [operationStatus('eu', 'running')] }));
    expect(why.because).toContain('no worker answers');
    expect(why.commands).toEqual(['worker --config skein.yaml']);
  });

  test('an interrupted apply is taken up with start', () => {
    const why = explainStatus(applyStatus({ interrupted: 'terminated', state: 'running' }));
    expect(why.because).toContain('terminated');
    expect(why.commands[0]).toBe('start orders-1');
  });

  test.each([
    ['failed', 'failed', ['retry orders-1 --deployment eu']],
    ['stopped', 'stopped', ['start orders-1', 'cancel orders-1']],
    ['cancelled', 'cancelled', ['retry orders-1 --deployment eu']],
    ['completed', 'completed', []],
  ] as const)('an apply that ended %s says what can follow', (state, operation, commands) => {
    const why = explainStatus(applyStatus({ state, operations: [operationStatus('eu', operation, { reason: null })] }));
    expect(why.commands).toEqual(commands);
  });
});
