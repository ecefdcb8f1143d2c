import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';

/** The repository as the tests of its own rules read it. Paths are relative to its root and use `/`. */
export const REPOSITORY_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Made by tools, or not ours. */
const LEFT_OUT = ['node_modules', 'dist', '.git', '.skein', 'proto/gen', 'coverage'];

/** Every file below the given folders, or of the whole repository. */
export function listFiles(folders: readonly string[] = ['']): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(REPOSITORY_ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (LEFT_OUT.includes(path) || LEFT_OUT.includes(entry.name)) return [];
      if (entry.isDirectory()) return listFiles([path]);
      return entry.isFile() ? [path] : [];
    }),
  );
}

const texts = new Map<string, string>();

export function readText(path: string): string {
  const text = texts.get(path) ?? readFileSync(join(REPOSITORY_ROOT, path), 'utf8');
  texts.set(path, text);
  return text;
}

export function isSource(path: string): boolean {
  return /\.(?:ts|mts|mjs)$/.test(path);
}

/** One import of a file. `type` leaves nothing behind in the running program; `dynamic` loads when it is reached. */
export interface Import {
  readonly specifier: string;
  readonly kind: 'value' | 'type' | 'dynamic';
}

const importsByPath = new Map<string, readonly Import[]>();

/** The imports of a file of the repository. */
export function importsOf(path: string): readonly Import[] {
  const imports = importsByPath.get(path) ?? readImports(path, readText(path));
  importsByPath.set(path, imports);
  return imports;
}

/** Every import, re-export, dynamic import and import type of a source text. */
export function readImports(path: string, text: string): readonly Import[] {
  const { module, program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be read: ${errors.map((error) => error.message).join('; ')}`);
  const imports = module.staticImports.map(({ moduleRequest, entries }): Import => {
    const isType = entries.length > 0 && entries.every((entry) => entry.isType);
    return { specifier: moduleRequest.value, kind: isType || isTypeOnly(text, moduleRequest.start) ? 'type' : 'value' };
  });
  const exports = module.staticExports
    .flatMap(({ entries }) => entries)
    .flatMap((entry): Import[] =>
      entry.moduleRequest ? [{ specifier: entry.moduleRequest.value, kind: entry.isType ? 'type' : 'value' }] : [],
    );
  const dynamic = module.dynamicImports.flatMap(({ moduleRequest }): Import[] => {
    const literal = /^['"`](.*)['"`]$/.exec(text.slice(moduleRequest.start, moduleRequest.end));
    return literal?.[1] === undefined ? [] : [{ specifier: literal[1], kind: 'dynamic' }];
  });
  return [...imports, ...exports, ...dynamic, ...importTypes(program)];
}

/** `import type {} from`: an empty list of names says nothing of its kind, the statement does. */
function isTypeOnly(text: string, specifierStart: number): boolean {
  const statementStart = text.lastIndexOf('import', specifierStart);
  return /^import\s+type\s/.test(text.slice(statementStart, specifierStart));
}

/** `import('./x.js').Name` as a type. */
function importTypes(node: unknown): readonly Import[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap(importTypes);
  const here: Import[] =
    'type' in node && node.type === 'TSImportType' && 'source' in node ? [typeImportOf(node.source)].flat() : [];
  return [...here, ...Object.values(node).flatMap(importTypes)];
}

function typeImportOf(source: unknown): Import[] {
  if (typeof source !== 'object' || source === null || !('value' in source)) return [];
  return [{ specifier: String(source.value), kind: 'type' }];
}

/** The file of ours that an import reaches, or null when it reaches a package or a part of Node. */
export function resolveImport(from: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  const path = posix.normalize(posix.join(posix.dirname(from), specifier));
  return path.replace(/\.js$/, '.ts');
}

/** The package of an import: `@temporalio/client/lib/x` is of `@temporalio/client`; `node:fs` is of `node`. */
export function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return 'node';
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
