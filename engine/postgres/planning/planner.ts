import type pg from 'pg';
import { failedPrecondition } from '../../errors.js';
import type { PlanInput, SchemaProblems, TableSize, UnfinishedIndex } from '../../target.js';
import { isIgnoredTable, type Catalogue, type Selection } from './catalogue.js';
import type { Change } from './change.js';
import type { DesiredCatalogues } from './desired-catalogues.js';
import { difference } from './difference.js';
import { isSuccessorName } from './index-name.js';
import { readLiveCatalogue, type LiveCatalogue } from './live-catalogue.js';
import type { ScratchServer } from './scratch.js';

/** What would have to change: plain data. */
export interface Comparison {
  readonly kind: 'planned';
  readonly schemaDigest: string;
  readonly changes: readonly Change[];
  /** By `namespace.table`; for showing only. */
  readonly sizes: ReadonlyMap<string, TableSize>;
  /** Tables that ignore_tables kept out of the comparison, by namespace (engine contract E14). */
  readonly exempt: ReadonlyMap<string, readonly string[]>;
  /** Indexes whose build was cut short and that this plan builds anew. */
  readonly unfinished: readonly UnfinishedIndex[];
}

/** Compares desired schemas with one target. Changes nothing there except that it keeps loaded catalogues. */
export class Planner {
  readonly #pool: pg.Pool;
  readonly #catalogues: DesiredCatalogues;
  readonly #scratch: ScratchServer;

  constructor(params: {
    readonly pool: pg.Pool;
    readonly catalogues: DesiredCatalogues;
    readonly scratch: ScratchServer;
  }) {
    this.#pool = params.pool;
    this.#catalogues = params.catalogues;
    this.#scratch = params.scratch;
  }

  /** The difference between `input` and the live schema (engine contract 2.2). */
  async plan(input: PlanInput): Promise<Comparison | SchemaProblems> {
    const live = await readLiveCatalogue(this.#pool);
    const desired = await this.#catalogues.forFiles({
      files: input.schemaFiles,
      serverMajor: live.serverMajor,
      storage: this.#pool,
      scratch: this.#scratch,
    });
    if (desired.kind === 'problems') return desired;
    const selection = selectionOf(Object.keys(input.schemaFiles), input.ignoreTables);
    return compare(live, desired.catalogue, desired.digest, selection);
  }

  /** The same for a schema that was planned with before: what would have to change now. */
  async planAgain(stored: {
    readonly planId: string;
    readonly schemaDigest: string;
    readonly namespaces: readonly string[];
    readonly ignoreTables: readonly string[];
  }): Promise<Comparison> {
    const catalogue = await this.#catalogues.forDigest(this.#pool, stored.schemaDigest);
    if (catalogue === null) {
      throw failedPrecondition(
        `plan ${stored.planId}: its desired schema is no longer kept on this target; plan again`,
      );
    }
    const live = await readLiveCatalogue(this.#pool);
    return compare(live, catalogue, stored.schemaDigest, selectionOf(stored.namespaces, stored.ignoreTables));
  }
}

function selectionOf(namespaces: readonly string[], ignoreTables: readonly string[]): Selection {
  return { namespaces: new Set(namespaces), ignoredTables: new Set(ignoreTables) };
}

function compare(live: LiveCatalogue, desired: Catalogue, schemaDigest: string, selection: Selection): Comparison {
  const changes = difference(live, desired, selection);
  const exempt = new Map<string, string[]>();
  const unfinished: UnfinishedIndex[] = [];
  for (const { id, payload, parent } of live.facts.facts()) {
    if (id.kind === 'table' && selection.namespaces.has(id.schema) && isIgnoredTable(selection, id.schema, id.name)) {
      exempt.set(id.schema, [...(exempt.get(id.schema) ?? []), id.name].toSorted());
    }
    if (
      id.kind === 'index' &&
      selection.namespaces.has(id.schema) &&
      isLeftover({ schema: id.schema, name: id.name }, payload['valid'], desired)
    ) {
      const table = parent !== undefined && 'name' in parent ? parent.name : '';
      unfinished.push({
        namespace: id.schema,
        table,
        definition: typeof payload['def'] === 'string' ? payload['def'] : '',
      });
    }
  }
  return { kind: 'planned', schemaDigest, changes, sizes: live.sizes, exempt, unfinished };
}

/** An index that a build left behind: unfinished, or finished under the name of a successor that never took over. */
function isLeftover(index: { schema: string; name: string }, valid: unknown, desired: Catalogue): boolean {
  return desired.facts.has({ kind: 'index', ...index }) ? valid === false : isSuccessorName(index.name);
}
