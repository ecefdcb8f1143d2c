import { encodeId, type FactBase, type StableId } from '@supabase/pg-delta/core';
import { ddlOf, type Change, type Step } from './change.js';
import { lossesOf, type LossContext } from './loss.js';

/**
 * A change on its way into a plan, with what it makes and unmakes, so that it can be moved without breaking another. It
 * has no unsafe reason before the plan is complete (see `finished`), so that no rule can lose one.
 */
export interface PlanItem {
  readonly change: Omit<Change, 'unsafeReason'>;
  /** Why it needs consent beyond what its statements say. Rules add to them; items that become one bring all along. */
  readonly reasons: readonly string[];
  /** Ids, in the library's encoding, of the objects that it creates. */
  readonly produces: readonly string[];
  readonly destroys: readonly string[];
  /** Everything that it creates, drops or alters. */
  readonly writes: ReadonlySet<string>;
  /** Where it belongs to the creation of an object, such as ENABLE ROW LEVEL SECURITY: the object, and what else it needs. */
  readonly completes?: readonly string[];
}

/** Makes one item of several: `change` runs these steps for all of them, and whatever one of them brought is kept. */
export function asOneItem(items: readonly PlanItem[], change: PlanItem['change'], steps: readonly Step[]): PlanItem {
  return {
    change: { ...change, kind: 'alter', steps, ddl: ddlOf(steps) },
    reasons: distinct(items.flatMap((item) => item.reasons)),
    produces: items.flatMap((item) => item.produces),
    destroys: items.flatMap((item) => item.destroys),
    writes: new Set(items.flatMap((item) => [...item.writes])),
  };
}

/** An item of a complete plan. */
export interface FinishedItem extends Omit<PlanItem, 'change' | 'reasons'> {
  readonly change: Change;
}

/** The item as it stands in the plan: with every loss that its statements mean, and every reason that was added. */
export function finished({ change, reasons, ...ids }: PlanItem, context: LossContext): FinishedItem {
  const all = distinct([...lossesOf(change.steps, context), ...reasons]);
  return { ...ids, change: { ...change, unsafeReason: all.length === 0 ? null : all.join('; ') } };
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}

/** The ids that an object rests on, itself included: what must not change under it while it is moved. */
export function foundationOf(facts: FactBase, encoded: string): ReadonlySet<string> {
  const found = new Set([encoded]);
  const queue = [encoded];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const fact = facts.getByEncoded(next);
    if (fact === undefined) continue;
    const below: StableId[] = facts.outgoingEdges(fact.id).map((edge) => edge.to);
    if (fact.parent !== undefined) below.push(fact.parent);
    for (const id of below) {
      const key = encodeId(id);
      if (id.kind === 'schema' || found.has(key)) continue;
      found.add(key);
      queue.push(key);
    }
  }
  return found;
}

export function touches(item: Pick<PlanItem, 'writes'>, foundation: ReadonlySet<string>): boolean {
  for (const written of item.writes) if (foundation.has(written)) return true;
  return false;
}

/** An object that the plan drops and, further on, creates again. */
export interface Replacement {
  readonly id: string;
  readonly dropAt: number;
  readonly createAt: number;
}

export function replacementsIn(items: readonly PlanItem[]): readonly Replacement[] {
  const dropped = new Map<string, number>();
  const replacements: Replacement[] = [];
  for (const [position, item] of items.entries()) {
    for (const id of item.destroys) dropped.set(id, position);
    for (const id of item.produces) {
      const dropAt = dropped.get(id);
      if (dropAt !== undefined) replacements.push({ id, dropAt, createAt: position });
    }
  }
  return replacements;
}
