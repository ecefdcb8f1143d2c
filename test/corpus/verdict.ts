import { type Expectation, isIn, type Outcome } from './expectation.js';

/** What an engine made of a case. */
export interface Happened {
  readonly outcome: Outcome;
  /** What the plan holds: statements, modes and reasons of all changes in order. */
  readonly plan: string;
  /** What the refusal or the failure says. Empty after a completion. */
  readonly said: string;
  /** Whether a change of the plan was marked unsafe. */
  readonly isUnsafe: boolean;
  /** Tables and columns whose data has gone. */
  readonly losses: readonly string[];
  /** What is wrong whatever was expected, a sentence each. */
  readonly faults: readonly string[];
}

/** What is not right, a sentence each; empty when everything is. */
export function problemsOf(expectation: Expectation, happened: Happened): readonly string[] {
  return [
    ...outcomeProblems(expectation, happened),
    ...lossProblems(expectation, happened),
    ...happened.faults,
    ...planProblems(expectation, happened),
  ];
}

function outcomeProblems({ expect, reason, notReason }: Expectation, { outcome, said }: Happened): readonly string[] {
  const inShort = said === '' ? '' : `: ${said.replaceAll(/\s+/g, ' ')}`;
  if (!expect.includes(outcome)) return [`${SAID[outcome]}${inShort}`];
  if (outcome === 'completed') return [];
  return [
    ...reason.filter((text) => !isIn(text, said)).map((text) => `${SAID[outcome]} without saying ${text}${inShort}`),
    ...notReason
      .filter((text) => isIn(text, said))
      .map((text) => `${SAID[outcome]} for a reason that is not true, ${text}${inShort}`),
  ];
}

const SAID: Readonly<Record<Outcome, string>> = {
  completed: 'is completed',
  refused: 'is refused',
  failed: 'fails',
  error: 'the engine gives no verdict',
  unended: 'does not end',
};

function lossProblems({ loses }: Expectation, { losses, isUnsafe }: Happened): readonly string[] {
  const unflagged = isUnsafe
    ? []
    : losses.map((place) => `the data of ${place} is lost, and no change is marked unsafe`);
  const unexpected = losses.filter((place) => !loses.includes(place) && isUnsafe);
  return [...unflagged, ...unexpected.map((place) => `the data of ${place} is lost`)];
}

function planProblems({ plan: { has, lacks } }: Expectation, { plan }: Happened): readonly string[] {
  return [
    ...has.filter((text) => !isIn(text, plan)).map((text) => `the plan does not hold ${text}`),
    ...lacks.filter((text) => isIn(text, plan)).map((text) => `the plan holds ${text}`),
  ];
}
