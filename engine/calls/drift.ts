import type { ReviewedChange } from '../change.js';
import { byNamespace } from './plan-calls.js';

/** What of a reviewed plan is done already, or why the live schema no longer is the one that was reviewed. */
export type DriftCheck =
  | { readonly kind: 'matches'; readonly done: readonly ReviewedChange[] }
  | { readonly kind: 'drifted'; readonly message: string };

/**
 * Compares a reviewed plan with what would have to change now. They must be the same, statement by statement, except for
 * statements that an earlier apply of the same desired schema carried out here: so an apply that failed half-way can be
 * tried again with the plan that was reviewed. Those come back as done. Nothing that was not reviewed ever
 * runs (engine contract E17).
 */
export function checkDrift(
  reviewed: readonly ReviewedChange[],
  current: readonly ReviewedChange[],
  done: ReadonlySet<string>,
): DriftCheck {
  const now = new Map(current.map((change) => [change.ddl, change]));
  const expected = reviewed.filter((change) => now.has(change.ddl) || !done.has(change.ddl));
  if (sequence(expected) !== sequence(current)) {
    return { kind: 'drifted', message: `reviewed: ${listOf(reviewed)}; now it would be: ${listOf(current)}` };
  }
  return { kind: 'matches', done: reviewed.filter((change) => !now.has(change.ddl)) };
}

/** The statements in order, per namespace: the order between namespaces is not kept by the wire. */
function sequence(changes: readonly Pick<ReviewedChange, 'namespace' | 'ddl'>[]): string {
  const groups = [...byNamespace(changes)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(groups.map(([namespace, members]) => [namespace, members.map(({ ddl }) => ddl)]));
}

function listOf(changes: readonly Pick<ReviewedChange, 'ddl'>[]): string {
  return changes.length === 0 ? 'nothing' : changes.map(({ ddl }) => `[${ddl}]`).join(' ');
}
