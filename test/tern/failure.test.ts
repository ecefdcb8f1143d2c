import { expect, test } from 'vitest';
import { CALLS } from '../../tern/calls.js';
import { engineFailure } from '../../tern/failure.js';

test('after an answer that never came, only a call that changes something is said to have perhaps happened', () => {
  const advice = Object.values(CALLS).map(({ name }) => {
    const subject = { deployment: 'eu', call: name, remoteApplyId: null };
    return (['Ambiguous', 'EngineInternal'] as const).map((type) => {
      const { message } = engineFailure({ type, subject, reason: 'gone', status: 'UNAVAILABLE' });
      return `${name}: ${message.includes('may have happened') ? 'ask first' : ''}${message.includes('only reads') ? 'repeat' : ''}`;
    });
  });
  expect(advice.flatMap(([ambiguous = '', internal]) => (ambiguous === internal ? [ambiguous] : []))).toEqual([
    'Health: repeat',
    'Plan: repeat',
    'PlanDiff: repeat',
    'Apply: ask first',
    'FindApply: repeat',
    'Progress: repeat',
    'Logs: repeat',
    'Stop: ask first',
    'Start: ask first',
    'Cancel: ask first',
    'Cutover: ask first',
    'Revert: ask first',
    'SkipRevert: ask first',
  ]);
});
