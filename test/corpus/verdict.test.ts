import { describe, expect, it } from 'vitest';
import { GENERAL_RULE } from './expectation.js';
import { type Happened, problemsOf } from './verdict.js';

const COMPLETED: Happened = { outcome: 'completed', plan: '', said: '', isUnsafe: false, losses: [], faults: [] };
const REFUSED: Happened = { ...COMPLETED, outcome: 'refused', said: 'it scans t' };
const MUST_COMPLETE = { ...GENERAL_RULE, expect: ['completed'] } as const;
const MUST_REFUSE = { ...GENERAL_RULE, expect: ['refused'], reason: ['scans'] } as const;

describe('a case', () => {
  it('is right when it ends as it should, for the reason that it should', () => {
    expect(problemsOf(MUST_COMPLETE, COMPLETED)).toEqual([]);
    expect(problemsOf(MUST_REFUSE, REFUSED)).toEqual([]);
    expect(problemsOf(GENERAL_RULE, REFUSED)).toEqual([]);
  });

  it.each(['refused', 'failed', 'error', 'unended'] as const)(
    'is wrong when it should complete and is %s',
    (outcome) => {
      expect(problemsOf(MUST_COMPLETE, { ...REFUSED, outcome })).toEqual([expect.stringContaining('it scans t')]);
    },
  );

  it('is wrong when a refusal does not say why, or says what is not true', () => {
    expect(problemsOf(MUST_REFUSE, { ...REFUSED, said: 'no' })).toEqual(['is refused without saying scans: no']);
    expect(problemsOf({ ...MUST_REFUSE, notReason: ['t'] }, REFUSED)).toEqual([
      'is refused for a reason that is not true, t: it scans t',
    ]);
  });

  it('is wrong when data is lost that was not marked unsafe, also where the loss was expected', () => {
    const allowing = { ...MUST_COMPLETE, allowUnsafe: true, loses: ['public.t'] };
    const lost = { ...COMPLETED, losses: ['public.t'] };
    expect(problemsOf(allowing, lost)).toEqual(['the data of public.t is lost, and no change is marked unsafe']);
    expect(problemsOf(allowing, { ...lost, isUnsafe: true })).toEqual([]);
    expect(problemsOf(MUST_COMPLETE, { ...lost, isUnsafe: true })).toEqual(['the data of public.t is lost']);
  });

  it('is wrong when anything is wrong with the database afterwards, however it ended', () => {
    expect(problemsOf(MUST_REFUSE, { ...REFUSED, faults: ['t has changed'] })).toEqual(['t has changed']);
  });

  it('is wrong when the plan lacks what it should hold, or holds what it should not', () => {
    const demanding = { ...MUST_COMPLETE, plan: { has: ['ADD'], lacks: ['/DROP[\\s\\S]*ADD/'] } };
    expect(problemsOf(demanding, { ...COMPLETED, plan: 'ADD' })).toEqual([]);
    expect(problemsOf(demanding, { ...COMPLETED, plan: 'DROP\nADD' })).toEqual(['the plan holds /DROP[\\s\\S]*ADD/']);
    expect(problemsOf(demanding, COMPLETED)).toEqual(['the plan does not hold ADD']);
  });
});
