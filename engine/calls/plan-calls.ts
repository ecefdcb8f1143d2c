import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  ExistingCopy,
  LintViolation,
  PlanDiffResponse,
  PlanRequest,
  PlanResponse,
  SchemaChange,
} from '../../proto/gen/tern.js';
import type { ReviewedChange } from '../change.js';
import { invalidArgument } from '../errors.js';
import type { DatabaseKind, Planned, SchemaProblems } from '../target.js';
import { assertServedType, assertNoDirectExecution } from './supported.js';
import { schemaFilesFromWire } from './schema-files-from-wire.js';
import { targetNamed, type EngineState } from './routing.js';
import { tableChangeOnWire } from './wire.js';

/**
 * Plan: the difference between a desired schema and the live one, stored under an id. Changes nothing on the target but
 * the engine's own records (engine contract 2.2, E08 to E14).
 */
export async function plan(engine: EngineState, request: PlanRequest, signal?: AbortSignal): Promise<PlanResponse> {
  if (request.environment === '') throw invalidArgument('environment is required');
  const { target, planned, answer } = await compare(engine, request, signal);
  let planId = '';
  if (planned.kind === 'planned') {
    planId = `plan-${randomBytes(8).toString('hex')}`;
    await planned.store({
      planId,
      database: request.database,
      type: request.type,
      environment: request.environment,
      target: target.name,
      namespaces: Object.keys(request.schemaFiles).toSorted(),
      ignoreTables: request.ignoreTables,
    });
  }
  const unmanaged = planned.kind === 'planned' ? await target.unmanaged(Object.keys(request.schemaFiles)) : [];
  const exempt = planned.kind === 'planned' ? [...planned.exempt] : [];
  return {
    planId,
    ...answer,
    lintViolations: unmanaged.map(leftAlone),
    exemptTables: exempt.map(([namespace, tables]) => ({
      namespace,
      tables: [...tables],
      reason: 'named by ignore_tables',
    })),
  };
}

/** No finding, but part of what a person reviews: what the files cannot say is left as it is. */
function leftAlone(line: string): LintViolation {
  const message = `not managed, left as it is: ${line}`;
  return { message, table: '', column: '', linter: 'not_managed', fixType: '', severity: 'info' };
}

/** PlanDiff: the same comparison with nothing stored under an id. Safe to repeat as often as one likes (E13). */
export async function planDiff(
  engine: EngineState,
  request: PlanRequest,
  signal?: AbortSignal,
): Promise<PlanDiffResponse> {
  const { planned, answer } = await compare(engine, request, signal);
  return { ...answer, existingCopiesReported: planned.kind === 'planned' };
}

async function compare(engine: EngineState, request: PlanRequest, signal: AbortSignal | undefined) {
  assertServedType(engine.kind, request.type);
  assertNoDirectExecution(request.directExecution);
  const schemaFiles = schemaFilesFromWire(request.schemaFiles);
  for (const withheld of [...request.ignoredNamespaces, ...request.unselectedNamespaces]) {
    if (withheld in schemaFiles) {
      throw invalidArgument(`namespace ${withheld} is both in schema_files and withheld; name it in one of them`);
    }
  }
  const target = await targetNamed(engine, request.target);
  const planned = await target.plan({ schemaFiles, ignoreTables: request.ignoreTables }, signal);
  const answer = answerOf(engine.kind, planned);
  // Encoding a large answer takes its time, too; others have their turn in between.
  await nextTurn();
  return { target, planned, answer };
}

function answerOf(kind: DatabaseKind, planned: Planned | SchemaProblems) {
  const changes = planned.kind === 'planned' ? schemaChanges(planned) : [];
  const errors = planned.kind === 'problems' ? [...planned.problems] : [];
  const existingCopies = planned.kind === 'planned' ? leftovers(planned) : [];
  return { engine: kind.onWire, changes, lintViolations: [], errors, shards: [], existingCopies };
}

/** At most one entry per namespace; inside one, the order of execution (engine contract E11). */
function schemaChanges(planned: Planned): SchemaChange[] {
  return [...byNamespace(planned.changes)].map(([namespace, changes]) => ({
    namespace,
    tableChanges: changes.map((change) =>
      tableChangeOnWire(change, planned.sizes.get(`${change.namespace}.${change.table}`)),
    ),
    metadata: {},
    originalFiles: {},
    originalFilesCaptured: false,
  }));
}

/** Groups changes by namespace, in the order in which the namespaces come up. */
export function byNamespace<T extends Pick<ReviewedChange, 'namespace'>>(
  changes: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const change of changes) {
    const group = groups.get(change.namespace);
    if (group === undefined) groups.set(change.namespace, [change]);
    else group.push(change);
  }
  return groups;
}

function leftovers(planned: Planned): ExistingCopy[] {
  return planned.unfinished.map(({ namespace, table, definition }) => ({
    namespace,
    disposition: 'discard',
    reason: '',
    tables: [table],
    ageSeconds: '0',
    statement: definition,
    running: false,
  }));
}
