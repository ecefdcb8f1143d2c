import { createHash } from 'node:crypto';
import type { SchemaFiles } from '../domain/plan.js';
import type { ApplySpec } from '../domain/spec.js';

/**
 * JSON with the keys of every object in order and no white space, so that equal values have equal text whatever order
 * their keys were written in. Keys with the value `undefined` are left out, as `JSON.stringify` does.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (isPlainObject(inner) ? sortKeys(inner) : inner));
}

/** SHA-256 in hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/**
 * What an apply id stands for: the spec with its defaults filled in, and the contents of its schema files. Two specs
 * that mean the same have the same digest, however they are written (design 3, Ids and runs).
 */
export function specDigest(spec: ApplySpec, schemaFiles: SchemaFiles): string {
  return sha256(canonicalJson({ spec, schemaFiles }));
}

/** Digest of a class of equal plans: its canonical changes (`PlanGroup.key`) and the desired schema. */
export function planDigest(key: string, schemaFiles: SchemaFiles): string {
  return sha256(canonicalJson({ changes: key, schemaFiles }));
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sortKeys(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
