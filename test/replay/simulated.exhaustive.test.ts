import { describe, expect, it } from 'vitest';
import { readHistories } from './histories.js';
import { type RecordedApply, isSimulated, readRecordedApply, simulateRecorded } from './recorded-apply.js';

const applies = (await readHistories())
  .filter(({ workflowType }) => workflowType === 'apply')
  .flatMap((recorded): readonly RecordedApply[] => {
    const apply = readRecordedApply(recorded);
    return apply !== null && isSimulated(apply) ? [apply] : [];
  });

describe('a recorded apply and its simulation', () => {
  it('are of every kind: ended well, failed, stopped, cancelled', () => {
    expect(new Set(applies.map(({ result }) => result.state))).toEqual(
      new Set(['completed', 'failed', 'stopped', 'cancelled']),
    );
    expect(applies.length).toBeGreaterThan(12);
  });

  it.each(applies.map((apply) => [apply.scenario, apply] as const))('%s comes to the same verdict', (_name, apply) => {
    const simulation = simulateRecorded(apply);
    expect(simulation.waitingFor).toBeNull();
    expect(simulation.operations.map(({ deployment, state }) => `${deployment} ${state}`)).toEqual(
      apply.result.operations.map(({ deployment, state }) => `${deployment} ${state}`),
    );
    expect(simulation.operations.map(({ reason }) => reason)).toEqual(
      apply.result.operations.map(({ reason }) => reason),
    );
    expect(simulation.state).toBe(apply.result.state);
  });
});
