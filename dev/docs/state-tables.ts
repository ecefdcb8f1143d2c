import { WAITING_FOR, WAITS_FOR_PERSON } from '../../domain/derive.js';
import { APPLY_STATE, APPLY_STATES, END_REASONS, OPERATION_STATE, OPERATION_STATES } from '../../domain/state.js';
import { type Blocks, code, table } from './markdown.js';

/** For docs/states.md: the facts tables of the domain. */
export function stateBlocks(): Blocks {
  return {
    'operation-states': table(
      ['State', 'Shown as', 'Ended', 'Counts against the width', 'What comes next'],
      OPERATION_STATES.map((state) => {
        const facts = OPERATION_STATE[state];
        return [code(state), facts.label, yes(facts.ended), yes(facts.holdsSlot), facts.next];
      }),
    ),
    'apply-states': table(
      ['State', 'Shown as', 'Ended', 'Exit code', 'Meaning'],
      APPLY_STATES.map((state) => {
        const facts = APPLY_STATE[state];
        return [code(state), facts.label, yes(facts.ended), facts.ended ? String(facts.exitCode) : '', facts.meaning];
      }),
    ),
    'end-reasons': END_REASONS.map(code).join(', '),
    'waiting-for': table(
      ['Waits for', 'Needs a person (exit code 4)'],
      WAITING_FOR.map((what) => [code(what), yes(WAITS_FOR_PERSON.includes(what))]),
    ),
  };
}

function yes(is: boolean): string {
  return is ? 'yes' : '';
}
