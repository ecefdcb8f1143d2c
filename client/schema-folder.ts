import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SchemaFiles } from '../domain/plan.js';
import { PAYLOAD_BYTES_MAX } from '../domain/spec.js';
import { readTokens } from '../domain/sql-token.js';

/** One problem of a schema folder, with the file or folder it is about. */
export interface SchemaIssue {
  readonly file: string;
  readonly message: string;
}

export interface SchemaFolder {
  readonly files: SchemaFiles;
  readonly issues: readonly SchemaIssue[];
}

/**
 * Reads the desired schema: a folder per namespace, `*.sql` files in each. Other files and folders that begin with a
 * dot are ignored. Never throws for what the folder holds: every problem is in `issues`, all at once.
 *
 * A namespace without statements is refused, because an empty desired schema means dropping every table it has.
 */
export async function readSchemaFolder(folder: string): Promise<SchemaFolder> {
  const issues: SchemaIssue[] = [];
  const entries = await listFolder(folder, issues);
  if (entries === null) return { files: {}, issues };
  const files: Record<string, Record<string, string>> = {};
  for (const entry of entries) {
    if (entry.kind === 'file') {
      if (entry.name.endsWith('.sql'))
        issues.push({
          file: join(folder, entry.name),
          message: `must be in a folder named after its namespace, such as ${join(folder, 'public', entry.name)}`,
        });
      continue;
    }
    files[entry.name] = await readNamespace(join(folder, entry.name), issues);
  }
  if (Object.keys(files).length === 0 && issues.length === 0)
    issues.push({ file: folder, message: 'has no namespace folder; put the *.sql files in one folder per namespace' });
  refuseOversize(folder, files, issues);
  return { files, issues };
}

interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

/** Entries by name, so that the order of files never depends on the file system. Null when the folder cannot be read. */
async function listFolder(folder: string, issues: SchemaIssue[]): Promise<readonly Entry[] | null> {
  try {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
    return await Promise.all(
      names.map(async (name): Promise<Entry> => {
        const information = await stat(join(folder, name));
        return { name, kind: information.isDirectory() ? 'folder' : 'file' };
      }),
    );
  } catch (error) {
    issues.push({ file: folder, message: `cannot be read: ${reasonOf(error)}` });
    return null;
  }
}

async function readNamespace(folder: string, issues: SchemaIssue[]): Promise<Record<string, string>> {
  const entries = await listFolder(folder, issues);
  if (entries === null) return {};
  const files: Record<string, string> = {};
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.kind === 'folder') issues.push({ file: path, message: 'is a folder inside a namespace and is not read' });
    else if (entry.name.endsWith('.sql')) files[entry.name] = await readSql(path, issues);
  }
  if (!Object.values(files).some(hasStatement))
    issues.push({
      file: folder,
      message: 'has no *.sql file with a statement in it; an empty namespace would mean dropping all of its tables',
    });
  return files;
}

/**
 * Comments alone are none. What the two dialects read differently is left to the engine; so is, below, a file that cannot
 * be read.
 */
function hasStatement(text: string): boolean {
  return readTokens(text)?.some(({ text: token }) => token !== ';') ?? true;
}

async function readSql(path: string, issues: SchemaIssue[]): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    issues.push({
      file: path,
      message: error instanceof TypeError ? 'is not UTF-8 text' : `cannot be read: ${reasonOf(error)}`,
    });
    // Not empty, so that the same file is not reported a second time as having no statement.
    return 'unreadable';
  }
}

/** The desired schema stands in the history of the apply, so it has a limit (design 3, Size). */
function refuseOversize(
  folder: string,
  files: Readonly<Record<string, Readonly<Record<string, string>>>>,
  issues: SchemaIssue[],
): void {
  const bytes = Buffer.byteLength(JSON.stringify(files));
  if (bytes <= PAYLOAD_BYTES_MAX) return;
  const [largest] = Object.entries(files)
    .flatMap(([namespace, byName]) =>
      Object.entries(byName).map(([name, text]) => ({
        path: join(folder, namespace, name),
        bytes: Buffer.byteLength(text),
      })),
    )
    .toSorted((a, b) => b.bytes - a.bytes);
  issues.push({
    file: folder,
    message: `is ${bytes} bytes as JSON and the limit is ${PAYLOAD_BYTES_MAX}; the largest file is ${largest?.path ?? 'none'} (${largest?.bytes ?? 0} bytes)`,
  });
}

/** `no such file or directory` rather than the whole system error with its path. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'no such file or folder';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'ENOTDIR') return 'it is not a folder';
  return error.message;
}
