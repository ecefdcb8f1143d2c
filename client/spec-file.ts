import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { type Document, LineCounter, type Node, isMap, isNode, isPair, isScalar, parseDocument } from 'yaml';
import { type SpecIssue, formatPath, parseSpec } from '../domain/parse-spec.js';
import type { SchemaFiles } from '../domain/plan.js';
import type { ApplySpec } from '../domain/spec.js';
import { SkeinError } from './errors.js';
import { readSchemaFolder, reasonOf } from './schema-folder.js';

/** What an operator wrote: the spec with every default filled in, and the schema it names. */
export interface SpecFile {
  readonly spec: ApplySpec;
  readonly schemaFiles: SchemaFiles;
}

/** One problem, with its place: line and column count from 1 and are null where a whole file or folder is meant. */
export interface SpecFileIssue {
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  /** Such as `deployments[1].target`; null for a problem of YAML itself or of a schema file. */
  readonly path: string | null;
  readonly message: string;
}

/**
 * Reads `rollout.yaml` and the schema folder it names. Every problem of both is listed at once, in one `SkeinError` of
 * kind `invalid_spec` whose `problems` have one line each: place, rule and value.
 */
export async function readSpecFile(path: string): Promise<SpecFile> {
  const text = await readText(path);
  const { raw, issues, place } = parseYaml(text, path);
  const schema = await readSchema(raw, path);
  const parsed = raw === undefined ? null : parseSpec(raw);
  const specIssues: readonly SpecIssue[] = [
    ...(parsed === null || parsed.ok ? [] : parsed.issues),
    ...(schema.missing === null ? [] : [{ path: ['schema'], message: schema.missing }]),
  ];
  const all: readonly SpecFileIssue[] = [
    ...issues,
    ...specIssues
      .map((issue) => ({ file: path, ...place(issue.path), path: formatPath(issue.path), message: issue.message }))
      .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)),
    ...schema.issues,
  ];
  if (all.length > 0 || parsed === null || !parsed.ok) throw invalidSpec(path, all);
  return { spec: parsed.spec, schemaFiles: schema.files };
}

/** `rollout.yaml:7:11 deployments[1].target: must be …` */
export function formatSpecFileIssue(issue: SpecFileIssue): string {
  const place = issue.line === null ? issue.file : `${issue.file}:${issue.line}:${issue.column ?? 1}`;
  return issue.path === null ? `${place}: ${issue.message}` : `${place} ${issue.path}: ${issue.message}`;
}

function invalidSpec(path: string, issues: readonly SpecFileIssue[]): SkeinError {
  const count = issues.length === 1 ? '1 problem' : `${issues.length} problems`;
  return new SkeinError('invalid_spec', `${path} has ${count}; nothing was started`, {
    problems: issues.map(formatSpecFileIssue),
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw invalidSpec(path, [
      { file: path, line: null, column: null, path: null, message: `cannot be read: ${reasonOf(error)}` },
    ]);
  }
}

interface Place {
  readonly line: number | null;
  readonly column: number | null;
}

interface ParsedYaml {
  /** Undefined when the text is not YAML: nothing sensible can be said about its contents then. */
  readonly raw: unknown;
  readonly issues: readonly SpecFileIssue[];
  readonly place: (path: SpecIssue['path']) => Place;
}

/** Errors of YAML after which the rest of the document still reads as it was meant. */
const RECOVERABLE = ['DUPLICATE_KEY'];

function parseYaml(text: string, file: string): ParsedYaml {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const problems = [...document.errors, ...document.warnings];
  const issues = problems.map((problem): SpecFileIssue => {
    const { line, col } = lineCounter.linePos(problem.pos[0]);
    return { file, line, column: col, path: null, message: problem.message };
  });
  const readable = problems.every((problem) => RECOVERABLE.includes(problem.code));
  return {
    raw: readable ? document.toJS() : undefined,
    issues,
    place: (path) => {
      const offset = offsetOf(document, path);
      if (offset === null) return { line: null, column: null };
      const { line, col } = lineCounter.linePos(offset);
      return { line, column: col };
    },
  };
}

/** Where a path begins in the text: its key if it is there, else the nearest thing around it that is. */
function offsetOf(document: Document, path: SpecIssue['path']): number | null {
  for (let length = path.length; length > 0; length -= 1) {
    const offset = keyOffset(document, path.slice(0, length));
    if (offset !== null) return offset;
  }
  return startOf(document.contents);
}

function keyOffset(document: Document, path: SpecIssue['path']): number | null {
  const last = path.at(-1);
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === last);
    return pair === undefined ? null : startOf(pair.key);
  }
  return startOf(document.getIn(path, true));
}

function startOf(node: unknown): number | null {
  return isNode(node) ? ((node satisfies Node).range?.[0] ?? null) : null;
}

interface Schema {
  readonly files: SchemaFiles;
  readonly issues: readonly SpecFileIssue[];
  /** What is wrong with the key `schema` itself; null when it names a folder. */
  readonly missing: string | null;
}

/** `schema` is relative to the spec's own folder. */
async function readSchema(raw: unknown, specPath: string): Promise<Schema> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return { files: {}, issues: [], missing: null };
  const schema = 'schema' in raw ? raw.schema : undefined;
  if (typeof schema !== 'string' || schema === '')
    return {
      files: {},
      issues: [],
      missing: 'must name the folder of the desired schema, relative to this file, such as ./schema',
    };
  const folder = relative('.', resolve(dirname(specPath), schema)) || '.';
  const read = await readSchemaFolder(folder);
  return {
    files: read.files,
    issues: read.issues.map((issue) => ({ ...issue, line: null, column: null, path: null })),
    missing: null,
  };
}
