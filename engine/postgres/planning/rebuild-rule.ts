import type { FactBase } from '@supabase/pg-delta/core';
import type { Step } from './change.js';
import { successorName } from './index-name.js';
import { asOneItem, foundationOf, replacementsIn, type PlanItem, type Replacement } from './plan-item.js';
import { quoteIdentifier, quoteQualified } from './sql.js';

/**
 * Replaces indexes and constraints without a moment in which they are missing: the new index is built beside the old one
 * and takes its place and name in one brief transaction; a constraint is exchanged for the new one, not yet validated, in
 * one transaction and validated afterwards.
 */
export function rebuildInPlace(items: readonly PlanItem[], live: FactBase): readonly PlanItem[] {
  const rebuilt = new Map<PlanItem | undefined, PlanItem>();
  const replaced = new Set<PlanItem | undefined>();
  for (const replacement of replacementsIn(items)) {
    const item = rebuild(items, replacement, live);
    if (item === null) continue;
    replaced.add(items[replacement.dropAt]);
    rebuilt.set(items[replacement.createAt], item);
  }
  return items.flatMap((item) => (replaced.has(item) ? [] : [rebuilt.get(item) ?? item]));
}

function rebuild(items: readonly PlanItem[], replacement: Replacement, live: FactBase): PlanItem | null {
  const drop = items[replacement.dropAt];
  const create = items[replacement.createAt];
  if (drop === undefined || create === undefined) return null;
  // What goes with something larger, such as a constraint with its table, cannot be exchanged by itself.
  const isAlone = (ids: readonly string[]) => ids.every((id) => id === replacement.id || id.startsWith('comment:'));
  if (!isAlone(drop.destroys) || !isAlone(create.produces)) return null;
  // Something that the old one is on goes away in between, such as a column: then the old one has to go first.
  const foundation = foundationOf(live, replacement.id);
  const between = items.slice(replacement.dropAt + 1, replacement.createAt);
  if (between.some((item) => item.destroys.some((id) => foundation.has(id)))) return null;
  const steps = exchangeSteps(drop.change, create.change, live, replacement.id);
  if (steps === null) return null;
  return { ...asOneItem([drop, create], create.change, steps), produces: create.produces, destroys: create.destroys };
}

function exchangeSteps(
  drop: PlanItem['change'],
  create: PlanItem['change'],
  live: FactBase,
  id: string,
): readonly Step[] | null {
  const [dropStep] = drop.steps;
  const [first, second] = create.steps;
  if (dropStep === undefined || first === undefined || drop.steps.length !== 1) return null;
  if (first.kind === 'build_index') {
    const successor = successorName(first.index);
    const build: Step = {
      ...first,
      index: successor,
      statement: renamed(first.statement, successor),
      definition: renamed(first.definition, successor),
    };
    if (dropStep.kind === 'drop_index' && second === undefined) {
      const place = quoteQualified(first.schema, first.index);
      const swap = `DROP INDEX ${place};\nALTER INDEX ${quoteQualified(first.schema, successor)} RENAME TO ${quoteIdentifier(first.index)}`;
      return [build, { kind: 'transaction', statement: swap, scans: false, undo: null }];
    }
    if (dropStep.kind === 'transaction' && second?.kind === 'transaction') {
      const using = second.statement.replace(/USING INDEX "(?:[^"]|"")+"/, `USING INDEX ${quoteIdentifier(successor)}`);
      return [build, { kind: 'transaction', statement: `${dropStep.statement};\n${using}`, scans: false, undo: null }];
    }
    return null;
  }
  const before = live.getByEncoded(id);
  if (
    dropStep.kind !== 'transaction' ||
    first.kind !== 'transaction' ||
    first.undo === null ||
    before?.id.kind !== 'constraint'
  )
    return null;
  const { def } = before.payload;
  if (typeof def !== 'string') return null;
  const table = quoteQualified(before.id.schema, before.id.table);
  const old = `ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(before.id.name)} ${def.replace(/ NOT VALID$/, '')} NOT VALID`;
  const exchange: Step = {
    ...first,
    statement: `${dropStep.statement};\n${first.statement}`,
    undo: `${first.undo};\n${old}`,
  };
  return [exchange, ...create.steps.slice(1)];
}

/** A CREATE INDEX statement for another name. */
function renamed(statement: string, index: string): string {
  return statement.replace(
    /^(CREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?)(?:"(?:[^"]|"")+"|[^\s"]+)( ON )/,
    (_all, head: string, tail: string) => `${head}${quoteIdentifier(index)}${tail}`,
  );
}
