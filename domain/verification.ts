import type { Clause } from './clause.js';
import type { TableChange } from './plan.js';
import type { EndedState } from './state.js';
import { PlanIndex } from './plan-index.js';
import { identityOf, readChanges } from './read-changes.js';

/** What a diff says about a plan that was applied (design 4.5). Clauses as texts; each list without repeats. */
export interface Verification {
  /** Of this plan, and not done: what keeps a completion from being believed. */
  readonly missing: readonly string[];
  /** Differences beside this plan: shown, never decided on. */
  readonly drift: readonly string[];
  /** Nobody can tell whether it is of this plan: neither done nor missing (I12). */
  readonly unverifiable: readonly string[];
}

/**
 * The clauses that nobody could tell from the plan in a diff that was read before anything was sent, by their identity:
 * what was there before cannot come from this plan. Null where no such diff was read.
 */
export type Baseline = readonly string[] | null;

/** What a diff still holds of a plan, part by part; linear in both. */
export function verify(params: {
  readonly plan: readonly TableChange[];
  readonly difference: readonly TableChange[];
  readonly baseline: Baseline;
}): Verification {
  const index = new PlanIndex(readChanges(params.plan));
  const before = new Set(params.baseline);
  const missing = new Set<string>();
  const drift = new Set<string>();
  const unverifiable = new Set<string>();
  for (const clause of readChanges(params.difference)) {
    const planned = index.find(clause);
    if (planned !== undefined) missing.add(describeMissing(planned, clause));
    else if (isForeign(index, clause) || before.has(identityOf(clause))) drift.add(clause.text);
    else unverifiable.add(clause.text);
  }
  return { missing: [...missing], drift: [...drift], unverifiable: [...unverifiable] };
}

/** Longest text of a baseline as a whole: it travels in histories. What does not fit cannot be verified later. */
const BASELINE_CHARACTERS_MAX = 16_000;

/** What of a diff that was read before the dispatch may excuse the same clause after it. */
export function baselineOf(plan: readonly TableChange[], difference: readonly TableChange[]): readonly string[] {
  const index = new PlanIndex(readChanges(plan));
  const identities = readChanges(difference)
    .filter((clause) => index.find(clause) === undefined && !isForeign(index, clause))
    .map(identityOf);
  return fitting(identities, BASELINE_CHARACTERS_MAX);
}

/** Longest baseline that an outcome takes along: those of a thousand deployments stand in one result. */
const CARRIED_CHARACTERS_MAX = 500;

/** What an outcome keeps of its baseline for a later run; nothing where none will ask, or where it is too long. */
export function carriedBaseline(
  end: { readonly state: EndedState; readonly unverified?: boolean },
  baseline: Baseline,
): { readonly baseline?: readonly string[] } {
  const isAskedAgain = end.unverified === true || end.state === 'stopped';
  if (!isAskedAgain || baseline === null) return {};
  return fitting(baseline, CARRIED_CHARACTERS_MAX).length === baseline.length ? { baseline } : {};
}

/** As many of the texts, from the first, as fit. */
export function fitting(texts: readonly string[], charactersMax: number): readonly string[] {
  const kept: string[] = [];
  let left = charactersMax;
  for (const text of texts) {
    left -= text.length;
    if (left < 0) break;
    kept.push(text);
  }
  return kept;
}

/** Types whose values have a character set, and clauses that say one. */
const MAY_BE_TEXT = /char|text|enum|set|collat|clob|string|long/i;

/**
 * Whether a clause that is none of the plan's concerns other parts alone. What such a part rests on does not matter: a diff
 * is complete, so a planned part that suffered by it stands in the same diff under its own name.
 */
function isForeign(index: PlanIndex, clause: Clause): boolean {
  const touched = clause.places.filter((place) => index.says('touched', place));
  if (touched.length === 0) return clause.reach !== 'unreadable' || isElsewhere(index, clause);
  if (clause.reach !== 'parts') return false;
  return touched.every((place) => {
    if (index.says('unread', place)) return false;
    // What is there and is to go was not made by the plan.
    if (clause.effect !== 'drops' && index.says('unread_making', place)) return false;
    const mayBeKey = clause.unnamedKey !== null || clause.parts.some(({ kind }) => kind === 'key' || kind === 'any');
    if (mayBeKey && clause.effect !== 'drops' && index.mayBeUnnamedKey(clause, place)) return false;
    if (clause.unnamedKey === 'own' && index.says('has_key', place)) return false;
    if (clause.effect === 'changes' && MAY_BE_TEXT.test(clause.text) && index.says('converts', place)) return false;
    // The names that an engine gives to parts of a new table are not in its statement.
    return !(clause.parts.some(({ kind }) => kind === 'any') && index.says('object', place));
  });
}

/** The engine says that it is about another object, and its text, as far as it goes, names none of this plan. */
function isElsewhere(index: PlanIndex, { places, text, effect }: Clause): boolean {
  // Which columns a new table takes from another cannot be read, but it is a table of its own.
  if (effect === 'makes') return true;
  return places.every(({ table }) => table !== '') && !index.isNamedIn(text);
}

/** The planned clause, unless it makes a whole object of which only a part is missing. */
function describeMissing(planned: Clause, left: Clause): string {
  if (planned.key === left.key || planned.effect === 'drops') return planned.text;
  if (planned.reach !== 'parts') return left.text;
  return isRemark(left) ? `${planned.text} (${left.text})` : planned.text;
}

function isRemark({ key }: Clause): boolean {
  return key.startsWith('--');
}

/** Longest text of one clause, and of a list of them: outcomes of a thousand deployments stand in one result. */
const SHOWN_MAX = { clause: 200, list: 600 } as const;

/** A list of clauses, short enough for histories and screens. */
export function shortened(clauses: readonly string[]): readonly string[] {
  const short = clauses
    .map((text) => text.replace(/\s+/g, ' '))
    .map((text) => (text.length <= SHOWN_MAX.clause ? text : `${text.slice(0, SHOWN_MAX.clause)} …`));
  const kept = fitting(short, SHOWN_MAX.list);
  return kept.length === short.length ? kept : [...kept, `… and ${short.length - kept.length} more`];
}
