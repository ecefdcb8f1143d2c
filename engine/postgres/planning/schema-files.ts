import { createHash } from 'node:crypto';
import { hasSqlDetails } from 'libpg-query';
import type { SchemaFiles } from '../../target.js';
import { lineAndColumn, parseStatements, statementKind } from './sql.js';

/** One statement of the desired schema, with the place it comes from. */
export interface SchemaStatement {
  readonly namespace: string;
  readonly file: string;
  readonly text: string;
  /** Character offset of `text` in its file. */
  readonly offset: number;
  readonly fileText: string;
}

/** Kinds of statement that declare a schema. Anything else in a schema file is refused with its position. */
const DECLARATIONS: ReadonlySet<string> = new Set([
  'AlterDomainStmt',
  'AlterEnumStmt',
  'AlterFunctionStmt',
  'AlterSeqStmt',
  'AlterTableStmt',
  'CommentStmt',
  'CompositeTypeStmt',
  'CreateDomainStmt',
  'CreateEnumStmt',
  'CreateExtensionStmt',
  'CreateFunctionStmt',
  'CreatePolicyStmt',
  'CreateRangeStmt',
  'CreateSchemaStmt',
  'CreateSeqStmt',
  'CreateStmt',
  'CreateTableAsStmt',
  'CreateTrigStmt',
  'DefineStmt',
  'IndexStmt',
  'RuleStmt',
  'ViewStmt',
]);

/** The statements of a desired schema in a fixed order, or every problem found (engine contract E09). */
export type ReadSchema =
  | { readonly kind: 'statements'; readonly statements: readonly SchemaStatement[] }
  | { readonly kind: 'problems'; readonly problems: readonly string[] };

/**
 * Reads the files of a desired schema. Only declarations are let through: the files are executed in a scratch database
 * with the engine's own rights, so data changes, DO blocks, grants and transaction control have no place in them.
 */
export function readSchemaFiles(files: SchemaFiles): ReadSchema {
  const statements: SchemaStatement[] = [];
  const problems: string[] = [];
  const namespaces = Object.keys(files).toSorted();
  if (namespaces.length === 0) problems.push('schema_files is empty: name at least one namespace, such as public');
  for (const namespace of namespaces) {
    if (namespace === '_skein' || namespace === 'information_schema' || namespace.startsWith('pg_')) {
      problems.push(`namespace ${namespace} is reserved: a desired schema cannot name it`);
      continue;
    }
    for (const [file, text] of Object.entries(files[namespace] ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const read = readFile(namespace, file, text);
      statements.push(...read.statements);
      problems.push(...read.problems);
    }
  }
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'statements', statements };
}

function readFile(namespace: string, file: string, text: string) {
  const statements: SchemaStatement[] = [];
  const problems: string[] = [];
  const place = (offset: number) => `${namespace}/${file}:${lineAndColumn(text, offset)}`;
  try {
    for (const statement of parseStatements(text)) {
      const kind = statementKind(statement.node);
      if (DECLARATIONS.has(kind))
        statements.push({ namespace, file, text: statement.text, offset: statement.offset, fileText: text });
      else
        problems.push(
          `${place(statement.offset)}: ${kind} does not declare schema; only CREATE, ALTER and COMMENT statements belong here`,
        );
    }
  } catch (error) {
    if (!hasSqlDetails(error)) throw error;
    problems.push(`${place(error.sqlDetails?.cursorPosition ?? 0)}: ${error.sqlDetails?.message ?? error.message}`);
  }
  return { statements, problems };
}

/**
 * Identifies a desired schema: equal files have equal digests, whatever the order of the map. `salt` is what else the
 * loaded catalogue depends on, such as the server's major version.
 */
export function digestOfSchemaFiles(files: SchemaFiles, salt: string): string {
  const hash = createHash('sha256').update(salt);
  for (const namespace of Object.keys(files).toSorted()) {
    hash.update(`\0namespace\0${namespace}`);
    const entries = Object.entries(files[namespace] ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
    for (const [file, text] of entries) hash.update(`\0file\0${file}\0${text.length}\0${text}`);
  }
  return hash.digest('hex');
}
