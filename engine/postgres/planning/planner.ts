import { status } from '@grpc/grpc-js';
import type pg from 'pg';
import { CallFailure } from '../../errors.js';
import type { PlanInput, Planned, SchemaProblems, StoredPlan, UnfinishedIndex } from '../../target.js';
import { readSignature, type Signature } from '../signature/signature.js';
import { compareSignatures } from '../signature/signature-difference.js';
import { unplannedChanges } from '../signature/unplanned.js';
import { isIgnoredTable, type Catalogue, type Selection } from './catalogue.js';
import type { Change } from './change.js';
import type { DesiredSchema, DesiredSchemas } from './desired-schemas.js';
import { difference } from './difference.js';
import { plannedObjects } from './planned-objects.js';
import { isSuccessorName } from './index-name.js';
import { readLiveCatalogue, type LiveCatalogue } from './live-catalogue.js';
import type { ScratchServer } from './scratch.js';

/** What would have to change: plain data, which crosses threads, with the steps of each change. */
export interface Comparison extends Omit<Planned, 'changes' | 'store' | 'accept'> {
  readonly changes: readonly Change[];
}

/** Compares desired schemas with one target. Changes nothing there except that it keeps loaded catalogues. */
export class Planner {
  readonly #pool: pg.Pool;
  readonly #desired: DesiredSchemas;
  readonly #scratch: ScratchServer;

  constructor(params: {
    readonly pool: pg.Pool;
    readonly desired: DesiredSchemas;
    readonly scratch: ScratchServer;
  }) {
    this.#pool = params.pool;
    this.#desired = params.desired;
    this.#scratch = params.scratch;
  }

  /**
   * The difference between `input` and the live schema (engine contract 2.2). Nothing more is begun, and CANCELLED is the
   * end of it, once `isWanted` says that nobody waits.
   */
  async plan(input: PlanInput, isWanted: IsWanted = () => true): Promise<Comparison | SchemaProblems> {
    const selection = selectionOf(Object.keys(input.schemaFiles), input.ignoreTables);
    const live = await this.#readLive(selection);
    assertWanted(isWanted);
    const desired = await this.#desired.forFiles({
      files: input.schemaFiles,
      serverMajor: live.catalogue.serverMajor,
      storage: this.#pool,
      scratch: this.#scratch,
    });
    if (desired.kind === 'problems') return desired;
    assertWanted(isWanted);
    return compare(live, desired.schema, desired.digest, selection);
  }

  /**
   * The same for a schema that was planned with before: what would have to change now. A problem where the target does not
   * keep that schema, or has it from an engine that read it otherwise.
   */
  async planAgain(stored: StoredSchema, isWanted: IsWanted = () => true): Promise<Comparison | SchemaProblems> {
    const schema = await this.#desired.forDigest(this.#pool, stored.schemaDigest);
    if (schema === null) return { kind: 'problems', problems: [`schema ${stored.schemaDigest} is not kept`] };
    const selection = selectionOf(stored.namespaces, stored.ignoreTables);
    const live = await this.#readLive(selection);
    assertWanted(isWanted);
    return compare(live, schema, stored.schemaDigest, selection);
  }

  /** Both readings at once: what one of them sees a moment earlier shows as a difference that is gone at the next look. */
  async #readLive({ namespaces }: Selection): Promise<LiveSchema> {
    const [catalogue, signature] = await Promise.all([
      readLiveCatalogue(this.#pool),
      readSignature(this.#pool, [...namespaces]),
    ]);
    return { catalogue, signature };
  }
}

/** Whether somebody still waits for the answer. */
export type IsWanted = () => boolean;

/** What a plan that was stored compares. */
export type StoredSchema = Pick<StoredPlan, 'planId' | 'schemaDigest' | 'namespaces' | 'ignoreTables'>;

function assertWanted(isWanted: IsWanted): void {
  if (!isWanted()) throw new CallFailure(status.CANCELLED, 'nobody waits for this plan any more');
}

interface LiveSchema {
  readonly catalogue: LiveCatalogue;
  readonly signature: Signature;
}

function selectionOf(namespaces: readonly string[], ignoreTables: readonly string[]): Selection {
  return { namespaces: new Set(namespaces), ignoredTables: new Set(ignoreTables) };
}

function compare(live: LiveSchema, desired: DesiredSchema, schemaDigest: string, selection: Selection): Comparison {
  const items = difference(live.catalogue, desired.catalogue, selection);
  // The successor of an index is the engine's own: it is told as a leftover, and is no difference.
  const differences = compareSignatures(live.signature, desired.signature, {
    isIgnored: (namespace, object) => isIgnoredTable(selection, namespace, object),
  }).filter(({ entry }) => entry.kind !== 'index' || !isSuccessorName(entry.part ?? ''));
  return {
    kind: 'planned',
    schemaDigest,
    changes: [...items.map(({ change }) => change), ...unplannedChanges(differences, items.flatMap(plannedObjects))],
    sizes: live.catalogue.sizes,
    exempt: exemptTables(live.catalogue, selection),
    unfinished: unfinishedIndexes(live.catalogue, desired.catalogue, selection),
  };
}

function exemptTables({ facts }: LiveCatalogue, selection: Selection): ReadonlyMap<string, readonly string[]> {
  const exempt = new Map<string, string[]>();
  for (const { id } of facts.facts()) {
    if (id.kind === 'table' && selection.namespaces.has(id.schema) && isIgnoredTable(selection, id.schema, id.name)) {
      exempt.set(id.schema, [...(exempt.get(id.schema) ?? []), id.name].toSorted());
    }
  }
  return exempt;
}

function unfinishedIndexes(
  { facts }: LiveCatalogue,
  desired: Catalogue,
  selection: Selection,
): readonly UnfinishedIndex[] {
  return facts.facts().flatMap(({ id, payload, parent }) => {
    if (id.kind !== 'index' || !selection.namespaces.has(id.schema)) return [];
    if (!isLeftover({ schema: id.schema, name: id.name }, payload['valid'], desired)) return [];
    const table = parent !== undefined && 'name' in parent ? parent.name : '';
    return [{ namespace: id.schema, table, definition: typeof payload['def'] === 'string' ? payload['def'] : '' }];
  });
}

/** An index that a build left behind: unfinished, or finished under the name of a successor that never took over. */
function isLeftover(index: { schema: string; name: string }, valid: unknown, desired: Catalogue): boolean {
  return desired.facts.has({ kind: 'index', ...index }) ? valid === false : isSuccessorName(index.name);
}
