import type { LintViolation, Plan, PlanDifference, SchemaFiles, TableChange } from '../domain/plan.js';
import * as wire from '../proto/gen/tern.js';
import type { PlanRequest } from './engine.js';

/** The wire's words for what a statement does. */
export const CHANGE_TYPE_WORD = {
  CHANGE_TYPE_OTHER: 'other',
  CHANGE_TYPE_CREATE: 'create',
  CHANGE_TYPE_ALTER: 'alter',
  CHANGE_TYPE_DROP: 'drop',
  CHANGE_TYPE_VSCHEMA: 'vschema',
  CHANGE_TYPE_CREATE_INDEX: 'create_index',
  CHANGE_TYPE_DROP_INDEX: 'drop_index',
  CHANGE_TYPE_RENAME: 'rename',
  CHANGE_TYPE_TRUNCATE: 'truncate',
  CHANGE_TYPE_CREATE_VIEW: 'create_view',
} as const satisfies Readonly<Record<keyof typeof wire.ChangeType, string>>;

/** The wire's words for what carries a change out. */
export const ENGINE_WORD = {
  ENGINE_SPIRIT: 'spirit',
  ENGINE_PLANETSCALE: 'planetscale',
  ENGINE_STRATA: 'strata',
  ENGINE_POSTGRES: 'postgres',
} as const satisfies Readonly<Record<keyof typeof wire.Engine, string>>;

const CHANGE_TYPE_WORDS = wordsByNumber(wire.ChangeType, CHANGE_TYPE_WORD);
const ENGINE_WORDS = wordsByNumber(wire.Engine, ENGINE_WORD);
const CHANGE_TYPE_NUMBERS: ReadonlyMap<string, number> = new Map(
  [...CHANGE_TYPE_WORDS].map(([number, word]) => [word, number]),
);

export function encodePlanRequest(request: PlanRequest): wire.PlanRequest {
  return wire.PlanRequest.fromPartial({
    database: request.database,
    type: request.type,
    environment: request.environment,
    target: request.target,
    schemaFiles: encodeSchemaFiles(request.schemaFiles),
    // Absent would say that this caller predates grouping (engine contract 2.2).
    groupedExecution: false,
  });
}

/** In the order of the names, so that equal files are equal bytes (engine contract 2.3). */
export function encodeSchemaFiles(files: SchemaFiles): Record<string, wire.SchemaFiles> {
  return mapSorted(files, (filesOfNamespace) => ({ files: mapSorted(filesOfNamespace, (content) => content) }));
}

export function decodePlan(response: wire.PlanResponse): Plan {
  return { planId: response.planId, ...decodeDifference(response) };
}

export function decodePlanDifference(response: wire.PlanDiffResponse): PlanDifference {
  return decodeDifference(response);
}

type DifferenceFields = Pick<
  wire.PlanDiffResponse,
  'engine' | 'changes' | 'lintViolations' | 'errors' | 'shards' | 'existingCopies'
>;

function decodeDifference(response: DifferenceFields): PlanDifference {
  return {
    engine: wordOf(ENGINE_WORDS, response.engine),
    changes: response.changes.flatMap((change) =>
      change.tableChanges.map((tableChange) => decodeTableChange(tableChange, change.namespace)),
    ),
    lintViolations: response.lintViolations.map(
      (violation): LintViolation => ({
        message: violation.message,
        table: violation.table,
        severity: violation.severity.toLowerCase(),
      }),
    ),
    errors: [...response.errors, ...shardErrors(response.shards)],
    leftovers: response.existingCopies.map((copy) => ({
      namespace: copy.namespace,
      tables: copy.tables,
      disposition: copy.disposition,
      reason: copy.reason,
      ageSeconds: copy.ageSeconds,
    })),
  };
}

/**
 * A change as the engine that made the plan said it; sent back with an Apply for an engine that lost the plan (C10). Not
 * its row count: that may be of another deployment with an equal plan.
 */
export function encodeTableChange(change: TableChange): wire.TableChange {
  return wire.TableChange.fromPartial({
    namespace: change.namespace,
    tableName: change.table,
    ddl: change.ddl,
    changeType: changeTypeNumber(change.changeType),
    isUnsafe: change.unsafe,
    unsafeReason: change.unsafeReason,
    executionMode: change.blocked ? 'blocked' : '',
    modeReason: change.modeReason,
  });
}

function decodeTableChange(change: wire.TableChange, namespace: string): TableChange {
  return {
    namespace: change.namespace === '' ? namespace : change.namespace,
    table: change.tableName,
    ddl: change.ddl,
    changeType: wordOf(CHANGE_TYPE_WORDS, change.changeType),
    unsafe: change.isUnsafe,
    unsafeReason: change.unsafeReason,
    blocked: change.executionMode.toLowerCase() === 'blocked',
    modeReason: change.modeReason,
    estimatedRows: change.estimatedRows ?? null,
  };
}

/**
 * The statements of a sharded plan stand per shard and each needs an Apply of its own (engine contract 2.3 step 4), which
 * is not supported: better no plan than half of one.
 */
function shardErrors(shards: readonly wire.ShardPlan[]): readonly string[] {
  if (shards.length === 0) return [];
  const names = shards.map((shard) => shard.shard).join(', ');
  return [`the plan has statements per shard (${names}), and a sharded target cannot be rolled out`];
}

function changeTypeNumber(changeType: string): wire.ChangeType {
  const unknown = /^unknown\((\d+)\)$/.exec(changeType)?.[1];
  const number = unknown === undefined ? CHANGE_TYPE_NUMBERS.get(changeType) : Number(unknown);
  // Enumerations of the wire are open: the generated encoder writes any number.
  return (number ?? wire.ChangeType.CHANGE_TYPE_OTHER) as wire.ChangeType;
}

function wordOf(words: ReadonlyMap<number, string>, number: number): string {
  return words.get(number) ?? `unknown(${number})`;
}

function wordsByNumber<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
  words: Readonly<Record<Name, string>>,
): ReadonlyMap<number, string> {
  // The keys of a `Record<Name, …>` literal are its names.
  return new Map(Object.keys(numbers).map((name) => [numbers[name as Name], words[name as Name]]));
}

function mapSorted<In, Out>(record: Readonly<Record<string, In>>, convert: (value: In) => Out): Record<string, Out> {
  const names = Object.keys(record).toSorted();
  // Present: the names come from the record itself.
  return Object.fromEntries(names.map((name) => [name, convert(record[name] as In)]));
}
