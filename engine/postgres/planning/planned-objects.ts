import { parseId, type StableId } from '@supabase/pg-delta/core';
import type { PlannedObject } from '../signature/unplanned.js';
import type { FinishedItem } from './plan-item.js';

/** The objects that an item of a plan has a statement about, in words that do not depend on the library. */
export function plannedObjects({ change, writes, produces, destroys }: FinishedItem): readonly PlannedObject[] {
  const made = new Set([...produces, ...destroys]);
  const { ddl, blockedReason } = change;
  // What is refused is told already, so nothing is added for its object.
  return [...writes].flatMap((encoded) => {
    const id = parseId(encoded);
    const isMade = made.has(encoded) && id.kind !== 'comment' && id.kind !== 'default';
    return namesOf(id).map((names) => ({ ...names, made: isMade || blockedReason !== null, ddl }));
  });
}

type Names = Pick<PlannedObject, 'namespace' | 'object' | 'part'>;

function namesOf(id: StableId): readonly Names[] {
  if (id.kind === 'comment') return namesOf(id.target);
  if (id.kind === 'schema') return [{ namespace: id.name, object: id.name, part: null }];
  if (id.kind === 'index') return [{ namespace: id.schema, object: null, part: id.name }];
  if (id.kind === 'typeAttribute') return [{ namespace: id.schema, object: id.type, part: id.name }];
  if (!('schema' in id) || typeof id.schema !== 'string') return [];
  if ('table' in id && 'name' in id) return [{ namespace: id.schema, object: id.table, part: id.name }];
  return 'name' in id ? [{ namespace: id.schema, object: id.name, part: null }] : [];
}
