import type { FactBase } from '@supabase/pg-delta/core';
import { mayRefuseRows } from './index-expression.js';
import type { Change, Step } from './change.js';
import { foundationOf, type PlanItem } from './plan-item.js';
import { parseStatement, parseStatements, statementKind } from './sql.js';

/** What a step is to the clients of the database; each kind runs either before a deferred cutover or in it. */
export type CutoverKind =
  | 'index_build'
  | 'unique_index_build'
  | 'refusing_index_build'
  | 'index_drop'
  | 'validation'
  | 'long_creation'
  | 'brief';

export interface CutoverRule {
  /** It is left for the cutover where that is deferred. */
  readonly waits: boolean;
  /** Why it waits, or why it need not. Shown to whoever asks what an apply waits for. */
  readonly reason: string;
}

/**
 * The division of a plan by a deferred cutover. A step runs before it only if no client can see it or be broken by it,
 * and if it can be taken back or leaves nothing to take back.
 */
export const CUTOVER_RULES: Readonly<Record<CutoverKind, CutoverRule>> = {
  index_build: { waits: false, reason: 'an index that is not unique changes no answer and refuses no row' },
  unique_index_build: { waits: true, reason: 'a unique index refuses rows from the moment its build begins' },
  refusing_index_build: {
    waits: true,
    reason: 'an expression of the index may fail for a row, which refuses that row',
  },
  index_drop: { waits: true, reason: 'queries that use the index notice that it is gone' },
  validation: { waits: false, reason: 'the constraint binds every new row already; its validation only reads' },
  long_creation: { waits: true, reason: 'what it creates is there for everyone' },
  brief: { waits: true, reason: 'clients notice it at once' },
};

/** Which rule a step is under. Needs the parser to be loaded. */
export function cutoverKindOf(step: Step): CutoverKind {
  if (step.kind === 'drop_index') return 'index_drop';
  if (step.kind === 'build_index') {
    const tree = parseStatement(step.definition);
    if (!('IndexStmt' in tree)) return 'refusing_index_build';
    if (tree.IndexStmt.unique === true) return 'unique_index_build';
    return mayRefuseRows(tree.IndexStmt) ? 'refusing_index_build' : 'index_build';
  }
  if (!step.scans) return 'brief';
  const isValidation = commandsOf(step).every((command) => command === 'AT_ValidateConstraint');
  return isValidation ? 'validation' : 'long_creation';
}

/** The commands of a step: those of its ALTER TABLE statements, and the kinds of its other statements. */
function commandsOf(step: Step): readonly string[] {
  return parseStatements(step.statement).flatMap(({ node }) =>
    'AlterTableStmt' in node
      ? (node.AlterTableStmt.cmds ?? []).map((command) =>
          'AlterTableCmd' in command ? (command.AlterTableCmd.subtype ?? 'unknown') : 'unknown',
        )
      : [statementKind(node)],
  );
}

/**
 * Says of every step of a plan whether it waits for a deferred cutover. One that could run before, but rests on something
 * that waits, waits with it: an earlier step of its own change, an earlier change, or a name that is not free yet.
 */
export function sayWhatWaits(items: readonly PlanItem[], live: FactBase, desired: FactBase): readonly PlanItem[] {
  const taken = relationNames(live);
  const waiting: PlanItem[] = [];
  /** By what a waiting item changes: the first one, as its position in `waiting`. */
  const firstToChange = new Map<string, number>();
  return items.map((item) => {
    const positions = [...item.writes].flatMap((id) =>
      [...foundationOf(desired, id)].map((below) => firstToChange.get(below) ?? Number.POSITIVE_INFINITY),
    );
    const below = waiting[positions.reduce((first, position) => Math.min(first, position), Number.POSITIVE_INFINITY)];
    const steps = stepsWithReasons(item.change.steps, (step) => {
      if (below !== undefined) return `it rests on another change that waits: ${firstLine(below.change)}`;
      const nameIsTaken = step.kind === 'build_index' && taken.has(`${step.schema}.${step.index}`);
      return nameIsTaken ? `the name ${step.index} is taken until then` : null;
    });
    const divided = { ...item, change: { ...item.change, steps } };
    if (steps.some((step) => step.waitsBecause !== undefined)) {
      for (const id of changesUnderneath(divided)) {
        if (!firstToChange.has(id)) firstToChange.set(id, waiting.length);
      }
      waiting.push(divided);
    }
    return divided;
  });
}

/**
 * What of an item matters to whatever rests on it. A table or a column that merely gets another property, such as a
 * default or NOT NULL, carries an index as before; one of another type does not.
 */
function changesUnderneath(item: PlanItem): readonly string[] {
  const written = [...item.writes];
  if (item.change.steps.some((step) => commandsOf(step).includes('AT_AlterColumnType'))) return written;
  const comesOrGoes = new Set([...item.produces, ...item.destroys]);
  return written.filter((id) => comesOrGoes.has(id) || !/^(?:table|column):/.test(id));
}

/** The steps of one change, each with its reason to wait, if any. `obstacle` is a reason that lies outside the change. */
export function stepsWithReasons(
  steps: readonly Step[],
  obstacle: (step: Step) => string | null = () => null,
): readonly Step[] {
  let before: string | null = null;
  return steps.map((step) => {
    const rule = CUTOVER_RULES[cutoverKindOf(step)];
    const reason: string | null = rule.waits ? rule.reason : (before ?? obstacle(step));
    if (reason === null) return step;
    before ??= `it comes after a step that waits: ${step.statement}`;
    return { ...step, waitsBecause: reason };
  });
}

function firstLine(change: Pick<Change, 'ddl'>): string {
  return change.ddl.split('\n', 1)[0] ?? '';
}

/** Names that no index can take: those of the relations of a schema, among them the indexes of its constraints. */
function relationNames(facts: FactBase): ReadonlySet<string> {
  const named = ['table', 'view', 'materializedView', 'sequence', 'type', 'index', 'constraint'];
  return new Set(
    facts
      .facts()
      .flatMap(({ id }) =>
        named.includes(id.kind) && 'schema' in id && 'name' in id ? [`${id.schema}.${id.name}`] : [],
      ),
  );
}
