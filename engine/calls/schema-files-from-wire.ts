import type { SchemaFiles as WireSchemaFiles } from '../../proto/gen/tern.js';
import type { SchemaFiles } from '../target.js';

/** Unwraps the message that the wire puts around each namespace's files. */
export function schemaFilesFromWire(files: Readonly<Record<string, WireSchemaFiles>>): SchemaFiles {
  return Object.fromEntries(Object.entries(files).map(([namespace, { files: inside }]) => [namespace, inside]));
}
