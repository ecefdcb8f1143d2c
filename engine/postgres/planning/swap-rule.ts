import type { FactBase } from '@supabase/pg-delta/core';
import type { Step } from './change.js';
import { asOneItem, foundationOf, replacementsIn, touches, type PlanItem } from './plan-item.js';

/** Kinds of object whose replacement is brief, so that dropping and creating them again fits in one transaction. */
const SWAPPED_KINDS = /^(?:comment:\()?(?:view|trigger|policy|rule|function|procedure|aggregate|default):/;

/** A comment goes and comes with its object, and nobody misses it in between. */
const COMMENT = /^comment:/;

/**
 * Brings the drop of a replaced view, trigger, policy or function together with its creation, as near as what lies
 * between allows, and makes one transaction of them: nobody ever sees it missing. The same is done for a table that is
 * made anew and what belongs to it (`inside`). Where something long lies between, the order stays and the change says so.
 */
export function swapInPlace(
  items: readonly PlanItem[],
  live: FactBase,
  desired: FactBase,
  inside: ReadonlySet<string> = new Set(),
): readonly PlanItem[] {
  const isSwapped = (id: string) => SWAPPED_KINDS.test(id) || inside.has(id);
  const swapped = new Set(replacementsIn(items).flatMap(({ id }) => (isSwapped(id) ? [id] : [])));
  if (swapped.size === 0) return items;
  const created = (item: PlanItem) => item.produces.filter((id) => swapped.has(id));
  const dropped = (item: PlanItem) => item.destroys.filter((id) => swapped.has(id));
  // What belongs to a creation is missed like the object itself: a table without its row security is open to all.
  const completions = new Map<string, string[]>();
  const completionOf = new Map<PlanItem, string>();
  for (const [position, item] of items.entries()) {
    const id = item.completes?.[0];
    if (id === undefined || !swapped.has(id)) continue;
    completions.set(id, [...(completions.get(id) ?? []), `${id} ${position}`]);
    completionOf.set(item, `${id} ${position}`);
  }
  const drops = (item: PlanItem) => dropped(item).flatMap((id) => [id, ...(completions.get(id) ?? [])]);
  const creates = (item: PlanItem) => [...created(item), ...[completionOf.get(item) ?? []].flat()];
  const order = [...items];
  // Creations move up, the first one first; then drops move down, the last one first. What comes or goes with the object
  // rests on more than the object does: a default on its sequence, a trigger on its function.
  for (const item of items) {
    const ids = completionOf.has(item) ? (item.completes ?? []) : created(item);
    if (ids.length > 0) move(order, item, -1, foundationOfAll(desired, [...ids, ...item.produces]));
  }
  for (const item of items.toReversed()) {
    if (dropped(item).length > 0) move(order, item, 1, foundationOfAll(live, item.destroys));
  }
  return gather(order, drops, creates);
}

function foundationOfAll(facts: FactBase, ids: readonly string[]): ReadonlySet<string> {
  return new Set(ids.flatMap((id) => [...foundationOf(facts, id)]));
}

/** Moves an item up (-1) or down (1) past everything that does not touch what it rests on. */
function move(order: PlanItem[], item: PlanItem, direction: -1 | 1, foundation: ReadonlySet<string>): void {
  for (let position = order.indexOf(item); ; position += direction) {
    const neighbour = order[position + direction];
    if (neighbour === undefined || touches(neighbour, foundation)) return;
    order[position + direction] = item;
    order[position] = neighbour;
  }
}

type Find = (item: PlanItem) => readonly string[];

/** Makes one change of everything from a drop to the creation that closes it, over all that overlap. */
function gather(order: readonly PlanItem[], drops: Find, creates: Find): readonly PlanItem[] {
  const result: PlanItem[] = [];
  const open = new Set<string>();
  let group: PlanItem[] = [];
  for (const item of order) {
    for (const dropped of drops(item)) open.add(dropped);
    for (const created of creates(item)) open.delete(created);
    group.push(item);
    if (open.size > 0) continue;
    result.push(...asOne(group));
    group = [];
  }
  return [...result, ...group];
}

function asOne(group: readonly PlanItem[]): readonly PlanItem[] {
  const last = group.at(-1);
  if (last === undefined || group.length === 1) return group;
  const statements: string[] = [];
  for (const { change } of group) {
    const [step, ...more] = change.steps;
    // Something long lies between and cannot be moved: the order stays.
    if (change.blockedReason !== null || step?.kind !== 'transaction' || step.scans || more.length > 0) return group;
    statements.push(step.statement);
  }
  const steps: readonly Step[] = [{ kind: 'transaction', statement: statements.join(';\n'), scans: false, undo: null }];
  return [asOneItem(group, last.change, steps)];
}

const MISSING = 'it is created again later in this plan and is missing until then';

/** Says of every drop whose object comes back only later in the plan that it is missing in between. */
export function sayWhatIsMissing(items: readonly PlanItem[]): readonly PlanItem[] {
  const reasons = new Map<number, string>();
  for (const { id, dropAt, createAt } of replacementsIn(items)) {
    if (dropAt >= createAt || COMMENT.test(id)) continue;
    // Privileges of an object are given back to it; those of a column that goes alone are gone with it.
    const isColumnAlone = id.startsWith('column:') && items[dropAt]?.destroys[0] === id;
    if (isColumnAlone) reasons.set(dropAt, `${MISSING}, and loses the privileges granted on it`);
    else if (!reasons.has(dropAt)) reasons.set(dropAt, MISSING);
  }
  return items.map((item, position) => {
    const reason = reasons.get(position);
    return reason === undefined ? item : { ...item, reasons: [...item.reasons, reason] };
  });
}
