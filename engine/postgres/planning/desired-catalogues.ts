import { ENGINE_VERSION } from '@supabase/pg-delta/plan';
import type { SchemaFiles } from '../../target.js';
import type { Queryable } from '../database.js';
import { findCatalogue, hasCatalogue, storeCatalogue } from '../storage/plans.js';
import { catalogueFromText, catalogueToText, type Catalogue } from './catalogue.js';
import { digestOfSchemaFiles, readSchemaFiles } from './schema-files.js';
import { loadSchema, type ScratchServer } from './scratch.js';

/** Part of every digest: another version of the reading gives another catalogue. */
const READING_VERSION = `skein-catalogue-1\0${ENGINE_VERSION}`;
/** Catalogues kept in memory. A rollout needs one; the rest is for neighbours. */
const KEPT_MAX = 16;

export type DesiredSchema =
  | { readonly kind: 'catalogue'; readonly digest: string; readonly catalogue: Catalogue }
  | { readonly kind: 'problems'; readonly problems: readonly string[] };

/**
 * The catalogues of desired schemas, each loaded into a scratch database once: kept in memory for the process and in the
 * storage of every target that has planned with it, so that a comparison only reads the live side.
 */
export class DesiredCatalogues {
  readonly #kept = new Map<string, Catalogue>();
  readonly #loading = new Map<string, Promise<DesiredSchema>>();

  /** The catalogue of `files`, loaded on `scratch` where neither memory nor storage has it. */
  async forFiles(params: {
    readonly files: SchemaFiles;
    readonly serverMajor: number;
    readonly storage: Queryable;
    readonly scratch: ScratchServer;
  }): Promise<DesiredSchema> {
    const digest = digestOfSchemaFiles(params.files, `${READING_VERSION}\0${params.serverMajor}`);
    const known = await this.forDigest(params.storage, digest);
    if (known !== null) {
      await storeCatalogueOnce(params.storage, digest, known);
      return { kind: 'catalogue', digest, catalogue: known };
    }
    const loading = this.#loading.get(digest) ?? this.#load(digest, params.files, params.scratch, params.serverMajor);
    this.#loading.set(digest, loading);
    try {
      const loaded = await loading;
      if (loaded.kind === 'catalogue') {
        this.#keep(digest, loaded.catalogue);
        await storeCatalogueOnce(params.storage, digest, loaded.catalogue);
      }
      return loaded;
    } finally {
      this.#loading.delete(digest);
    }
  }

  /** The catalogue that a stored plan was made with, or null when this target does not have it. */
  async forDigest(storage: Queryable, digest: string): Promise<Catalogue | null> {
    const kept = this.#kept.get(digest);
    if (kept !== undefined) return kept;
    const text = await findCatalogue(storage, digest);
    if (text === null) return null;
    const catalogue = catalogueFromText(text);
    this.#keep(digest, catalogue);
    return catalogue;
  }

  async #load(digest: string, files: SchemaFiles, scratch: ScratchServer, serverMajor: number): Promise<DesiredSchema> {
    const read = readSchemaFiles(files);
    if (read.kind === 'problems') return read;
    const loaded = await loadSchema(scratch, Object.keys(files).toSorted(), read.statements);
    if (loaded.kind === 'problems') return loaded;
    const scratchMajor = Number.parseInt(loaded.catalogue.serverVersion, 10);
    if (scratchMajor !== serverMajor) {
      // Versions print the same definition differently, which would show as a change.
      const problem = `${scratch.name}: its server has version ${scratchMajor}, the target ${serverMajor}; planning needs a scratch server of the same major version`;
      return { kind: 'problems', problems: [problem] };
    }
    return { kind: 'catalogue', digest, catalogue: loaded.catalogue };
  }

  #keep(digest: string, catalogue: Catalogue): void {
    this.#kept.delete(digest);
    this.#kept.set(digest, catalogue);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
  }
}

async function storeCatalogueOnce(storage: Queryable, digest: string, catalogue: Catalogue): Promise<void> {
  if (await hasCatalogue(storage, digest)) return;
  await storeCatalogue(storage, digest, catalogueToText(catalogue));
}
