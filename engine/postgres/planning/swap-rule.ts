import type { FactBase } from '@supabase/pg-delta/core';
import { ddlOf, type Change, type Step } from './change.js';
import { foundationOf, replacementsIn, touches, type PlanItem } from './plan-item.js';

/** Kinds of object whose replacement is brief, so that dropping and creating them again fits in one transaction. */
const SWAPPED_KINDS = /^(?:view|trigger|policy|rule|function|procedure|aggregate|default):/;

/**
 * Brings the drop of a replaced view, trigger, policy or function together with its creation, as near as what lies
 * between allows, and makes one transaction of them: nobody ever sees it missing. Where something long lies between, the
 * order stays and the change says so.
 */
export function swapInPlace(items: readonly PlanItem[], live: FactBase, desired: FactBase): readonly PlanItem[] {
  const swapped = new Set(replacementsIn(items).flatMap(({ id }) => (SWAPPED_KINDS.test(id) ? [id] : [])));
  if (swapped.size === 0) return items;
  const drops = (item: PlanItem) => item.destroys.find((id) => swapped.has(id));
  const creates = (item: PlanItem) => item.produces.find((id) => swapped.has(id));
  const order = [...items];
  // Creations move up, the first one first; then drops move down, the last one first.
  for (const item of items) {
    const id = creates(item);
    if (id !== undefined) move(order, item, -1, foundationOf(desired, id));
  }
  for (const item of items.toReversed()) {
    const id = drops(item);
    if (id !== undefined) move(order, item, 1, foundationOf(live, id));
  }
  return gather(order, drops, creates);
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

type Find = (item: PlanItem) => string | undefined;

/** Makes one change of everything from a drop to the creation that closes it, over all that overlap. */
function gather(order: readonly PlanItem[], drops: Find, creates: Find): readonly PlanItem[] {
  const result: PlanItem[] = [];
  const open = new Set<string>();
  let group: PlanItem[] = [];
  for (const item of order) {
    const dropped = drops(item);
    const created = creates(item);
    if (dropped !== undefined) open.add(dropped);
    if (created !== undefined) open.delete(created);
    group.push(item);
    if (open.size > 0) continue;
    result.push(...(group.length === 1 ? group : asOne(group, drops)));
    group = [];
  }
  return [...result, ...group];
}

function asOne(group: readonly PlanItem[], drops: Find): readonly PlanItem[] {
  const statements: string[] = [];
  for (const { change } of group) {
    const [step, ...more] = change.steps;
    // Something long lies between and cannot be moved: the order stays.
    if (change.blockedReason !== null || step?.kind !== 'transaction' || step.scans || more.length > 0) return group;
    statements.push(step.statement);
  }
  const created = group.at(-1)?.change;
  if (created === undefined) return group;
  const steps: readonly Step[] = [{ kind: 'transaction', statement: statements.join(';\n'), scans: false, undo: null }];
  const change: Change = {
    ...created,
    kind: 'alter',
    steps,
    ddl: ddlOf(steps),
    unsafeReason: unsafeReasonOf(group, drops),
  };
  return [
    {
      change,
      produces: group.flatMap((item) => item.produces),
      destroys: group.flatMap((item) => item.destroys),
      writes: new Set(group.flatMap((item) => [...item.writes])),
    },
  ];
}

/** A trigger or policy that is replaced loses nothing; a view or a function loses what was granted on it. */
function unsafeReasonOf(group: readonly PlanItem[], drops: Find): string | null {
  for (const item of group) {
    const id = drops(item);
    if (id === undefined) {
      if (item.change.unsafeReason !== null) return item.change.unsafeReason;
    } else if (!/^(?:trigger|policy|rule|default):/.test(id)) {
      return `${item.change.table} is dropped and created again in one transaction: privileges granted on it are lost`;
    }
  }
  return null;
}

/** Says of every drop whose object comes back only later in the plan that it is missing in between. */
export function sayWhatIsMissing(items: readonly PlanItem[]): readonly PlanItem[] {
  const early = new Set(replacementsIn(items).flatMap(({ dropAt, createAt }) => (dropAt < createAt ? [dropAt] : [])));
  return items.map((item, position) => {
    if (!early.has(position)) return item;
    const reason = `${item.change.unsafeReason ?? 'it is dropped'}; it is created again later in this plan and is missing until then`;
    return { ...item, change: { ...item.change, unsafeReason: reason } };
  });
}
