import { describe, expect, it } from 'vitest';
import { FAILURES, type FailureFacts } from '../../domain/failure.js';

function named(rule: (facts: FailureFacts) => boolean): readonly string[] {
  return Object.entries(FAILURES)
    .filter(([, facts]) => rule(facts))
    .map(([name]) => name);
}

describe('a failure', () => {
  it('is repeated without limit only where a repeat is harmless or the engine will be back', () => {
    expect(named(({ retry }) => retry === 'forever')).toEqual([
      'Unreachable',
      'Ambiguous',
      'AccessDenied',
      'UnknownDeployment',
      'LookAgain',
    ]);
    expect(named(({ retry }) => retry === 'bounded')).toEqual(['EngineInternal']);
  });

  it('after which something may have happened is never read as one after which nothing did (I12)', () => {
    expect(named(({ mayHaveHappened }) => mayHaveHappened)).toEqual([
      'Ambiguous',
      'EngineInternal',
      'ContractBroken',
      'ApplyFailed',
      'OperationFailed',
    ]);
  });
});
