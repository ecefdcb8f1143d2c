import { encodeId, type FactBase, type StableId } from '@supabase/pg-delta/core';
import type { Change } from './change.js';

/** A change on its way into a plan, with what it makes and unmakes, so that it can be moved without breaking another. */
export interface PlanItem {
  readonly change: Change;
  /** Ids, in the library's encoding, of the objects that it creates. */
  readonly produces: readonly string[];
  readonly destroys: readonly string[];
  /** Everything that it creates, drops or alters. */
  readonly writes: ReadonlySet<string>;
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
