import { describe, expect, it } from 'vitest';
import {
  type Import,
  importsOf,
  isSource,
  listFiles,
  packageOf,
  readImports,
  readText,
  resolveImport,
} from './support/repository.js';

/** What the files of one folder may import beside each other. A folder is named with a closing slash, a file in full. */
interface Rule {
  /** May be needed while the program runs. */
  readonly values: readonly string[];
  /** May be named as a type, which leaves nothing behind in the running program. */
  readonly types: readonly string[];
  /** May be loaded when a command is reached that needs it. */
  readonly dynamic: readonly string[];
  readonly packages: readonly string[];
}

const NOTHING = { types: [], dynamic: [] } as const;
const TEMPORAL_ON_NODE = ['@temporalio/client', '@temporalio/common', '@temporalio/envconfig'] as const;

/**
 * Who may import whom (docs/architecture.md, Layout). The first matching prefix counts. `dev/`, `bench/`, `test/` and
 * `examples/` are not listed: they may import anything, and nothing of the product may import them.
 */
const RULES: Readonly<Record<string, Rule>> = {
  'domain/': { ...NOTHING, values: [], packages: [] },
  'proto/': { ...NOTHING, values: [], packages: ['node', '@bufbuild/protobuf', '@grpc/grpc-js'] },
  'tern/': { ...NOTHING, values: ['domain/', 'proto/'], packages: ['node', '@grpc/grpc-js', '@bufbuild/protobuf'] },
  'activities/': { ...NOTHING, values: ['domain/', 'tern/'], packages: ['@temporalio/activity', '@temporalio/common'] },
  'workflows/': {
    values: ['domain/'],
    types: ['activities/contract.ts'],
    dynamic: [],
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  'worker/': {
    ...NOTHING,
    values: ['domain/', 'activities/', 'tern/'],
    packages: ['node', ...TEMPORAL_ON_NODE, '@temporalio/worker', 'pino', 'yaml', 'zod'],
  },
  'client/cli/': {
    types: [],
    values: ['client/', 'domain/'],
    dynamic: ['worker/', 'engine/', 'dev/'],
    packages: ['node', ...TEMPORAL_ON_NODE, 'chalk', 'cli-table3', 'commander', 'log-update'],
  },
  'client/': {
    dynamic: [],
    values: ['domain/', 'workflows/messages.ts'],
    types: ['workflows/'],
    packages: ['node', ...TEMPORAL_ON_NODE, 'yaml', 'zod'],
  },
  // What verifies a plan shares nothing with what made it.
  'engine/postgres/signature/': {
    ...NOTHING,
    values: ['engine/postgres/database.ts'],
    types: ['engine/postgres/planning/change.ts'],
    packages: ['pg'],
  },
  // The calls hold the rules of the contract; what they need of a database is the interface of a target.
  'engine/calls/': {
    ...NOTHING,
    values: ['proto/', 'engine/apply-state.ts', 'engine/change.ts', 'engine/errors.ts', 'engine/target.ts'],
    packages: ['node', '@grpc/grpc-js', 'pino'],
  },
  'engine/': {
    ...NOTHING,
    values: ['proto/'],
    packages: ['node', '@grpc/grpc-js', '@supabase/pg-delta', 'commander', 'libpg-query', 'pg', 'pino'],
  },
};

/** What is wrong with the imports of one file, each with what to do about it. */
function problemsOf(path: string, imports: readonly Import[]): readonly string[] {
  const prefix = Object.keys(RULES).find((folder) => path.startsWith(folder));
  const rule = prefix === undefined ? undefined : RULES[prefix];
  if (prefix === undefined || rule === undefined) return [];
  return imports
    .filter((one) => !isAllowed(path, prefix, rule, one))
    .map(
      ({ specifier, kind }) =>
        `${path} imports ${specifier} (${kind}); ${prefix} may import ${describeRule(rule)}. Move what it needs, or pass it in`,
    );
}

function isAllowed(path: string, prefix: string, rule: Rule, { specifier, kind }: Import): boolean {
  const target = resolveImport(path, specifier);
  if (target === null) return rule.packages.includes(packageOf(specifier));
  if (target.startsWith(prefix)) return prefix !== 'client/' || !target.startsWith('client/cli/');
  const allowed = [...rule.values, ...(kind === 'type' ? rule.types : []), ...(kind === 'dynamic' ? rule.dynamic : [])];
  return allowed.some((place) => (place.endsWith('/') ? target.startsWith(place) : target === place));
}

function describeRule({ values, types, dynamic, packages }: Rule): string {
  const parts = [
    ...values,
    ...types.map((place) => `types of ${place}`),
    ...dynamic.map((place) => `${place} by dynamic import`),
    ...packages,
  ];
  return parts.length === 0 ? 'nothing outside itself' : parts.join(', ');
}

const FILES = listFiles().filter(isSource);

/** Reading every file takes two seconds on an idle machine, and many times that on a busy one. */
const LIMIT = { timeout: 60_000 };

describe('the import table', () => {
  it('holds for every file of the product', LIMIT, () => {
    const judged = FILES.filter((path) => Object.keys(RULES).some((folder) => path.startsWith(folder)));
    expect(judged.flatMap((path) => problemsOf(path, importsOf(path)))).toEqual([]);
    for (const folder of Object.keys(RULES))
      expect(judged.filter((path) => path.startsWith(folder)).length, `${folder} has no files`).toBeGreaterThan(0);
  });

  it('names no database in the calls of the engine', () => {
    for (const path of FILES.filter((one) => one.startsWith('engine/calls/'))) {
      expect(readText(path), path).not.toMatch(/postgres|\bpg\b|mysql|maria/i);
    }
  });

  it.each([
    ['domain/bad.ts', "import { readFile } from 'node:fs/promises';"],
    ['domain/bad.ts', "import type { Engine } from '../tern/engine.js';"],
    ['domain/bad.ts', "import { proxyActivities } from '@temporalio/workflow';"],
    ['tern/bad.ts', "import { Context } from '@temporalio/activity';"],
    ['activities/bad.ts', "import { apply } from '../workflows/apply.js';"],
    ['workflows/bad.ts', "import { createActivities } from '../activities/contract.js';"],
    ['workflows/bad.ts', "import type { Beat } from '../activities/beat.js';"],
    ['workflows/bad.ts', "import { createHash } from 'node:crypto';"],
    ['workflows/bad.ts', "export * from '../tern/engine.js';"],
    ['worker/bad.ts', "import { apply } from '../workflows/index.js';"],
    ['worker/bad.ts', "import { SkeinClient } from '../client/index.js';"],
    ['client/bad.ts', "import { apply } from '../workflows/apply.js';"],
    ['client/bad.ts', "import { run } from './cli/main.js';"],
    ['client/bad.ts', "const engine = await import('../engine/main.js');"],
    ['client/cli/commands/bad.ts', "import { startWorker } from '../../../worker/main.js';"],
    ['engine/calls/bad.ts', "import type { Plan } from '../../domain/plan.js';"],
    ['engine/calls/bad.ts', "import { findApply } from '../postgres/storage/applies.js';"],
    ['engine/calls/bad.ts', "import type pg from 'pg';"],
    ['engine/postgres/signature/bad.ts', "import { extract } from '@supabase/pg-delta/extract';"],
    ['engine/bad.ts', "type Bad = import('../tern/engine.js').Engine;"],
    ['worker/bad.ts', "import { until } from '../test/support/until.js';"],
  ])('refuses, in %s, %s', (path, text) => {
    const [problem, ...others] = problemsOf(path, readImports(path, text));
    expect(problem).toContain(`${path} imports`);
    expect(problem).toContain('may import');
    expect(others).toEqual([]);
  });

  it.each([
    ['domain/good.ts', "import type { Plan } from './plan.js';"],
    ['tern/good.ts', "import { credentials } from '@grpc/grpc-js';"],
    ['workflows/good.ts', "import type { Activities } from '../activities/contract.js';"],
    ['workflows/good.ts', "import { type Activities } from '../activities/contract.js';"],
    ['client/good.ts', "import { CONTROL_SIGNALS } from '../workflows/messages.js';"],
    ['client/good.ts', "import type { operation } from '../workflows/operation.js';"],
    ['client/cli/commands/good.ts', "const worker = await import('../../../worker/main.js');"],
    ['client/cli/commands/good.ts', "import { SkeinClient } from '../../skein-client.js';"],
    ['engine/calls/good.ts', "import { TernServer } from '../../proto/gen/tern.js';"],
    ['dev/good.ts', "import { SkeinClient } from '../client/index.js';"],
  ])('allows, in %s, %s', (path, text) => {
    expect(problemsOf(path, readImports(path, text))).toEqual([]);
  });
});

describe('the domain', () => {
  it('reads no clock and draws no lots, so that every decision can be repeated', () => {
    // A date made from a given number is a format; one made from nothing is the clock.
    const readers = /\b(?:Date\.now|new Date(?!\(\w)|Math\.random|performance|setTimeout|crypto|process|globalThis)\b/;
    const files = FILES.filter((path) => path.startsWith('domain/'));
    expect(files.filter((path) => readers.test(withoutComments(readText(path))))).toEqual([]);
    for (const text of ['const now = Date.now(); // the time', 'const now = new Date();'])
      expect(readers.test(withoutComments(text))).toBe(true);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
}

describe('workflow code', () => {
  it('takes one error class and the data converter from @temporalio/common and nothing else, which keeps the bundle small', () => {
    const names = FILES.filter((path) => path.startsWith('workflows/')).flatMap((path) =>
      [...readText(path).matchAll(/import \{([^}]*)\} from '@temporalio\/common'/g)].map((match) => match[1]?.trim()),
    );
    expect(new Set(names)).toEqual(new Set(['WorkflowExecutionAlreadyStartedError', 'defaultPayloadConverter']));
  });

  it('exports from its entry workflows and nothing else, because whatever is exported there can be started by name', () => {
    const entry = readText('workflows/index.ts');
    const exported = [...entry.matchAll(/export \{ (\w+) \}/g)].map((match) => match[1]);
    expect(new Set(exported)).toEqual(new Set(['apply', 'logs', 'operation', 'plan']));
    expect(entry).not.toMatch(/export (?:\*|const|function)/);
  });
});

describe('imports', () => {
  it('never go round in a circle', LIMIT, () => {
    const graph = new Map(
      FILES.map((path): [string, readonly string[]] => [
        path,
        importsOf(path).flatMap(({ specifier, kind }) => {
          const target = kind === 'value' ? resolveImport(path, specifier) : null;
          return target === null ? [] : [target];
        }),
      ]),
    );
    expect(findCircles(graph)).toEqual([]);
    expect(
      findCircles(
        new Map([
          ['a.ts', ['b.ts']],
          ['b.ts', ['c.ts']],
          ['c.ts', ['a.ts']],
        ]),
      ),
    ).toEqual(['a.ts > b.ts > c.ts > a.ts']);
  });

  it('reach a file that exists', LIMIT, () => {
    const missing = FILES.flatMap((path) =>
      importsOf(path).flatMap(({ specifier }) => {
        const target = resolveImport(path, specifier);
        const isThere = target === null || FILES.includes(target) || target.startsWith('proto/gen/');
        return isThere || FILES.includes(target.replace(/\.mjs$/, '.d.mts')) ? [] : [`${path} imports ${specifier}`];
      }),
    );
    expect(missing).toEqual([]);
  });
});

/** Each circle once, as a chain that ends where it began. */
function findCircles(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, chain: readonly string[]) => {
    const start = chain.indexOf(path);
    if (start >= 0) circles.push([...chain.slice(start), path].join(' > '));
    if (start >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...chain, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return circles;
}
