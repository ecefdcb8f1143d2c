import { describe, expect, test } from 'vitest';
import { explainStatus, needsPerson } from '../../client/why.js';
import { resolvePolicy } from '../../domain/spec.js';
import type { ApplyStatus } from '../../domain/status.js';
import { freshWave } from '../../domain/wave.js';
import { ROLLOUT, applyStatus, operationStatus, spec } from './builders.js';

const SINCE = '2026-01-01T12:00:10.000Z';

/** A canary that has ended, and two waves to come. */
function twoWaves(waitingFor: ApplyStatus['waitingFor']): ApplyStatus {
  const waves = ['canary', 'rest', 'last'].map((name, index) => ({
    name,
    deployments: [['eu', 'us', 'ap'][index] ?? ''],
    bakeTimeMs: 1_800_000,
    gate: 'manual' as const,
    expiresAfterMs: null,
  }));
  return applyStatus({
    policy: resolvePolicy(spec({ rollout: { ...ROLLOUT, waves } })),
    waves: [{ ...freshWave('canary'), startedAt: SINCE, endedAt: SINCE }, freshWave('rest'), freshWave('last')],
    operations: [
      operationStatus('eu', 'completed', { wave: 'canary' }),
      operationStatus('us', 'pending', { wave: 'rest' }),
      operationStatus('ap', 'pending', { wave: 'last' }),
    ],
    waitingFor,
  });
}

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

  test('a bake says before which wave, since when and until when, and needs nobody', () => {
    const why = explainStatus(
      twoWaves({
        for: 'bake',
        since: SINCE,
        until: '2026-01-01T12:30:10.000Z',
        wave: 'rest',
        commands: ['stop orders-1'],
      }),
    );
    expect(why).toMatchObject({
      waitingFor: 'bake',
      wave: 'rest',
      until: '2026-01-01T12:30:10.000Z',
      needsPerson: false,
      because: 'the wave before rest has ended, and its bake time has to pass before rest starts',
      commands: ['stop orders-1'],
    });
    expect(why.deployments.map(({ because }) => because)).toEqual([
      'completed',
      'the wave before rest has ended, and its bake time has to pass before rest starts',
      'its wave comes after rest',
    ]);
  });

  test('a gate says which wave waits, and that a person has to answer', () => {
    const commands = ['approve orders-1 --wave rest', 'reject orders-1 --wave rest'];
    const why = explainStatus(twoWaves({ for: 'gate', since: SINCE, until: null, wave: 'rest', commands }));
    expect(why).toMatchObject({ waitingFor: 'gate', since: SINCE, needsPerson: true, commands });
    expect(why.because).toBe('wave rest has a gate, and a person has to approve or reject it');
    expect(why.deployments[1]?.because).toBe(why.because);
  });

  test('a deployment of a later wave waits for its wave, one of this wave for its turn', () => {
    const status = twoWaves(null);
    const why = explainStatus({
      ...status,
      operations: [operationStatus('eu', 'running', { wave: 'canary' }), ...status.operations.slice(1)],
      waves: [{ ...freshWave('canary'), startedAt: SINCE }, freshWave('rest'), freshWave('last')],
    });
    expect(why.deployments.map(({ because }) => because)).toEqual([
      'running',
      'its wave comes after canary',
      'its wave comes after canary',
    ]);
  });

  test('a cutover that was asked for follows in its turn', () => {
    const parked = operationStatus('eu', 'waiting_for_cutover', { cutoverAsked: true });
    expect(explainStatus(applyStatus({ operations: [parked] })).deployments[0]?.because).toBe(
      'its cutover was asked for, and follows in its turn',
    );
  });

  describe('a completion that nobody can verify', () => {
    const eu = operationStatus('eu', 'failed', { unverified: true, confirmed: false, message: 'cannot be verified' });
    const skip = 'skip orders-1 --deployment eu --reason <text>';

    test('offers to verify it again, and to leave it out with a reason', () => {
      const why = explainStatus(applyStatus({ state: 'failed', operations: [eu] }));
      expect(why.commands).toEqual(['retry orders-1 --deployment eu', skip]);
      expect(why.deployments[0]?.because).toBe('cannot be verified');
    });

    test.each([
      ['a running apply', 'running_degraded', ['retry orders-1 --deployment eu --deployment ap', skip]],
      ['one that is being stopped', 'stopping', [skip]],
    ] as const)('does so for %s, as far as that takes it', (_what, state, commands) => {
      const operations = [eu, operationStatus('ap', 'failed'), operationStatus('us', 'running')];
      const why = explainStatus(applyStatus({ state, operations }));
      expect(why.commands).toEqual([...commands, 'watch orders-1', 'stop orders-1']);
    });

    test('does so beside what a paused apply waits for', () => {
      const commands = ['release orders-1', 'retry orders-1 --deployment eu', 'stop orders-1'];
      const waitingFor = { for: 'release', since: SINCE, until: null, wave: null, commands } as const;
      const why = explainStatus(applyStatus({ state: 'paused', waitingFor, operations: [eu] }));
      expect(why.commands).toEqual([...commands, skip]);
    });

    test('offers only to go on with it by name once it was left out', () => {
      const skipped = { ...eu, skipped: true };
      const why = explainStatus(applyStatus({ state: 'failed', operations: [skipped] }));
      expect(why.commands).toEqual(['retry orders-1 --deployment eu']);
    });

    test('then goes on with what was stopped, which needs no release any more', () => {
      const stopped = operationStatus('us', 'stopped', { reason: 'operator' });
      const commandsOf = (skipped: boolean) =>
        explainStatus(applyStatus({ state: 'failed', operations: [{ ...eu, skipped }, stopped] })).commands;
      expect(commandsOf(false)).toEqual(['retry orders-1 --deployment eu', skip, 'start orders-1 --release']);
      expect(commandsOf(true)).toEqual(['start orders-1', 'retry orders-1 --deployment eu']);
    });
  });

  test('what is different beside the change is told, also where all went well', () => {
    const done = operationStatus('eu', 'completed', { drift: ['DROP COLUMN hand on u'] });
    const why = explainStatus(applyStatus({ state: 'completed', operations: [done] }));
    expect(why.deployments[0]?.because).toBe('not part of this change: DROP COLUMN hand on u');
  });

  test('hundreds of setbacks are retried by one short command', () => {
    const operations = Array.from({ length: 400 }, (_, index) => operationStatus(`d${index}`, 'failed'));
    expect(explainStatus(applyStatus({ state: 'failed', operations })).commands).toEqual(['retry orders-1']);
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
