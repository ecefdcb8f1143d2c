import { buildFactBase, deserializeSnapshot, encodeId, serializeSnapshot } from '@supabase/pg-delta/core';
import type { DependencyEdge, Fact, FactBase } from '@supabase/pg-delta/core';
import { extract } from '@supabase/pg-delta/extract';
import type pg from 'pg';

/**
 * What a database's schema consists of, as facts (a table, a column, an index, …). This file, `difference.ts` and
 * `live-catalogue.ts` are the only ones that know the library behind it.
 */
export interface Catalogue {
  readonly facts: FactBase;
  /** Such as "18.4". */
  readonly serverVersion: string;
}

/**
 * Kinds of object that a desired schema manages. Roles, ownership and privileges are not among them: they differ between
 * deployments on purpose. Neither are publications, foreign servers and the like, which belong to the database, not to a
 * namespace.
 */
const MANAGED_KINDS: ReadonlySet<string> = new Set([
  'schema',
  'extension',
  'table',
  'view',
  'materializedView',
  'sequence',
  'index',
  'collation',
  'domain',
  'type',
  'column',
  'constraint',
  'trigger',
  'rule',
  'policy',
  'default',
  'function',
  'procedure',
  'aggregate',
  'typeAttribute',
  'comment',
]);

/** Reads the whole schema of a database, in one read-only snapshot. */
export async function readCatalogue(pool: pg.Pool): Promise<Catalogue> {
  const { factBase, pgVersion } = await extract(pool);
  return { facts: withEdgesToPartitions(factBase), serverVersion: pgVersion };
}

const LOST_EDGE = /^edge (.+) -\[depends\]-> .+ references a fact not in the base$/;

/**
 * Columns and constraints that a partition has from its parent are no facts, so the library drops the edges to them, such
 * as that of a view on a partition, and says so. They count as edges to the partition: it cannot go before the view.
 */
function withEdgesToPartitions(facts: FactBase): FactBase {
  const edges = facts.diagnostics.flatMap(({ subject, message }): readonly DependencyEdge[] => {
    const from = facts.getByEncoded(LOST_EDGE.exec(message)?.[1] ?? '')?.id;
    if (from === undefined || subject === undefined || !('table' in subject)) return [];
    const to = { kind: 'table', schema: subject.schema, name: subject.table } as const;
    const isOwn = 'table' in from && from.schema === to.schema && from.table === to.name;
    return facts.has(to) && !isOwn ? [{ from, to, kind: 'depends' }] : [];
  });
  return edges.length === 0 ? facts : buildFactBase(facts.facts(), [...facts.edges, ...edges]);
}

export function catalogueToText(catalogue: Catalogue): string {
  return serializeSnapshot(catalogue.facts, { pgVersion: catalogue.serverVersion });
}

export function catalogueFromText(text: string): Catalogue {
  const { factBase, pgVersion } = deserializeSnapshot(text);
  return { facts: factBase, serverVersion: pgVersion };
}

/** Which part of a database a plan is about. */
export interface Selection {
  readonly namespaces: ReadonlySet<string>;
  /** Names of tables that are left out on both sides (engine contract E14): `table`, or `namespace.table`. */
  readonly ignoredTables: ReadonlySet<string>;
}

/** The facts of the selected namespaces, without what is not managed. `replace` may alter or leave out single facts. */
export function selectFacts(
  catalogue: Catalogue,
  selection: Selection,
  replace: (fact: Fact) => Fact | null = (fact) => fact,
): FactBase {
  const { facts } = catalogue;
  const members = new Set(
    facts.edges.filter((edge) => edge.kind === 'memberOfExtension').map((edge) => encodeId(edge.from)),
  );
  const kept = new Map<string, Fact>();
  for (const fact of facts.facts()) {
    const key = encodeId(fact.id);
    if (!MANAGED_KINDS.has(fact.id.kind) || members.has(key) || !isSelected(fact, selection)) continue;
    const replaced = replace(fact);
    if (replaced !== null) kept.set(key, replaced);
  }
  // A fact goes with its parent, at any depth.
  for (let changed = true; changed; ) {
    changed = false;
    for (const [key, fact] of kept) {
      if (fact.parent === undefined || kept.has(encodeId(fact.parent))) continue;
      kept.delete(key);
      changed = true;
    }
  }
  const edges = facts.edges.filter(
    (edge) => edge.kind === 'depends' && kept.has(encodeId(edge.from)) && kept.has(encodeId(edge.to)),
  );
  return buildFactBase([...kept.values()], edges);
}

function isSelected(fact: Fact, selection: Selection): boolean {
  const { id } = fact;
  if (id.kind === 'comment') return id.target.kind !== 'schema';
  if (id.kind === 'schema') return selection.namespaces.has(id.name);
  if (id.kind === 'extension') return true;
  if (!('schema' in id) || typeof id.schema !== 'string' || !selection.namespaces.has(id.schema)) return false;
  const table = id.kind === 'table' ? id.name : 'table' in id ? id.table : owningTable(fact);
  return table === null || !isIgnoredTable(selection, id.schema, table);
}

/** A sequence goes with the table whose column owns it. */
function owningTable(fact: Fact): string | null {
  const owner = fact.id.kind === 'sequence' ? fact.payload['ownedBy'] : null;
  return typeof owner === 'object' && owner !== null && 'table' in owner && typeof owner.table === 'string'
    ? owner.table
    : null;
}

export function isIgnoredTable(selection: Selection, schema: string, table: string): boolean {
  return selection.ignoredTables.has(table) || selection.ignoredTables.has(`${schema}.${table}`);
}
