import { ENGINE_VERSION } from '@supabase/pg-delta/plan';
import type { SchemaFiles } from '../../target.js';
import type { Queryable } from '../database.js';
import { signatureFromText, signatureToText, type Signature } from '../signature/signature.js';
import { findDesiredSchema, hasDesiredSchema, storeDesiredSchema } from '../storage/plans.js';
import { catalogueFromText, catalogueToText, type Catalogue } from './catalogue.js';
import { digestOfSchemaFiles, readSchemaFiles } from './schema-files.js';
import { loadSchema, type ScratchServer } from './scratch.js';

/** Part of every digest: another version of either reading gives another schema. */
const READING_VERSION = `skein-catalogue-3\0skein-signature-2\0${ENGINE_VERSION}`;
/** Schemas kept in memory. A rollout needs one; the rest is for neighbours. */
const KEPT_MAX = 16;

/** A database that was made from the files alone, as the planner and, independently, the signature read it. */
export interface DesiredSchema {
  readonly catalogue: Catalogue;
  readonly signature: Signature;
}

export type DesiredOrProblems =
  | { readonly kind: 'schema'; readonly digest: string; readonly schema: DesiredSchema }
  | { readonly kind: 'problems'; readonly problems: readonly string[] };

/**
 * Desired schemas, each loaded into a scratch database once: kept in memory for the process and in the storage of every
 * target that has planned with it, so that a comparison only reads the live side.
 */
export class DesiredSchemas {
  readonly #kept = new Map<string, DesiredSchema>();
  readonly #loading = new Map<string, Promise<DesiredOrProblems>>();

  /** The schema of `files`, loaded on `scratch` where neither memory nor storage has it. */
  async forFiles(params: {
    readonly files: SchemaFiles;
    readonly serverMajor: number;
    readonly storage: Queryable;
    readonly scratch: ScratchServer;
  }): Promise<DesiredOrProblems> {
    const digest = digestOfSchemaFiles(params.files, `${READING_VERSION}\0${params.serverMajor}`);
    const known = await this.forDigest(params.storage, digest);
    if (known !== null) {
      await storeOnce(params.storage, digest, known);
      return { kind: 'schema', digest, schema: known };
    }
    const loading = this.#loading.get(digest) ?? this.#load(digest, params.files, params.scratch, params.serverMajor);
    this.#loading.set(digest, loading);
    try {
      const loaded = await loading;
      if (loaded.kind === 'schema') {
        this.#keep(digest, loaded.schema);
        await storeOnce(params.storage, digest, loaded.schema);
      }
      return loaded;
    } finally {
      this.#loading.delete(digest);
    }
  }

  /** The schema that a stored plan was made with, or null when this target does not have it. */
  async forDigest(storage: Queryable, digest: string): Promise<DesiredSchema | null> {
    const kept = this.#kept.get(digest);
    if (kept !== undefined) return kept;
    const text = await findDesiredSchema(storage, digest);
    if (text === null) return null;
    const schema = { catalogue: catalogueFromText(text.catalogue), signature: signatureFromText(text.signature) };
    this.#keep(digest, schema);
    return schema;
  }

  async #load(
    digest: string,
    files: SchemaFiles,
    scratch: ScratchServer,
    serverMajor: number,
  ): Promise<DesiredOrProblems> {
    const read = readSchemaFiles(files);
    if (read.kind === 'problems') return read;
    const loaded = await loadSchema(scratch, Object.keys(files).toSorted(), read.statements);
    if (loaded.kind === 'problems') return loaded;
    const scratchMajor = Number.parseInt(loaded.schema.catalogue.serverVersion, 10);
    if (scratchMajor !== serverMajor) {
      // Versions print the same definition differently, which would show as a change.
      const problem = `${scratch.name}: its server has version ${scratchMajor}, the target ${serverMajor}; planning needs a scratch server of the same major version`;
      return { kind: 'problems', problems: [problem] };
    }
    return { kind: 'schema', digest, schema: loaded.schema };
  }

  #keep(digest: string, schema: DesiredSchema): void {
    this.#kept.delete(digest);
    this.#kept.set(digest, schema);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
  }
}

async function storeOnce(storage: Queryable, digest: string, { catalogue, signature }: DesiredSchema): Promise<void> {
  if (await hasDesiredSchema(storage, digest)) return;
  await storeDesiredSchema(storage, digest, {
    catalogue: catalogueToText(catalogue),
    signature: signatureToText(signature),
  });
}
