import { encodeId, type Fact, type FactBase } from '@supabase/pg-delta/core';
import { plan, type Action } from '@supabase/pg-delta/plan';
import type { Node } from 'libpg-query';
import { alterColumnType } from './alter-table-rule.js';
import { selectFacts, type Catalogue, type Selection } from './catalogue.js';
import { ddlOf, type Step } from './change.js';
import { sayWhatWaits } from './cutover-rule.js';
import { isSuccessorName } from './index-name.js';
import { liveFactsOf, type LiveCatalogue } from './live-catalogue.js';
import type { LiveFacts } from './live-facts.js';
import { lossesOf } from './loss.js';
import { childIds, madeAnew, reach, type MadeAnew } from './made-anew.js';
import { finished, type FinishedItem, type PlanItem } from './plan-item.js';
import { rebuildInPlace } from './rebuild-rule.js';
import { parseStatement, quoteIdentifier, quoteQualified } from './sql.js';
import { judgeStatement } from './statement-rule.js';
import { subjectOf } from './subject.js';
import { sayWhatIsMissing, swapInPlace } from './swap-rule.js';
import { blocked, type Verdict } from './verdict.js';

/**
 * What turns the live schema into the desired one, as online as it can be, in order of execution. A pure function of its
 * inputs: equal schemas give byte-equal DDL on every database, because plans are compared across deployments.
 */
export function difference(live: LiveCatalogue, desired: Catalogue, selection: Selection): readonly FinishedItem[] {
  const desiredFacts = selectFacts(desired, selection);
  const liveFacts = selectFacts(live, selection, (fact) => asPlanned(fact, live, desiredFacts));
  const anew = madeAnew(liveFacts, desiredFacts, live);
  const namespace = [...selection.namespaces].toSorted()[0] ?? 'public';
  const schemas = live.facts.facts().flatMap(({ id }) => (id.kind === 'schema' ? [id.name] : []));
  const compared = actionsBetween(liveFacts, desiredFacts, anew, schemas);
  if (compared.kind === 'no_order') return [withoutOrder(compared, namespace)];
  const remaining = anew?.without ?? liveFacts;
  const newTables = new Set(
    desiredFacts
      .facts()
      .flatMap(({ id }) => (id.kind === 'table' && !remaining.has(id) ? [`${id.schema}.${id.name}`] : [])),
  );
  const facts = liveFactsOf(live, liveFacts, newTables);
  const context = { facts, namespace, obstacles: anew?.obstacles ?? new Map<string, string>() };
  const statements = compared.actions.map((action) => statementOf(action, liveFacts));
  const items = mergeTypeChanges(statements, desiredFacts, facts).map((statement) => itemOf(statement, context));
  const rebuilt = rebuildInPlace(items, liveFacts);
  const ordered = sayWhatIsMissing(swapInPlace(rebuilt, liveFacts, desiredFacts, anew?.inside));
  return sayWhatWaits(ordered, liveFacts, desiredFacts).map((item) => finished(item, facts));
}

type Compared =
  | { readonly kind: 'actions'; readonly actions: readonly Action[] }
  | { readonly kind: 'no_order'; readonly anew: MadeAnew; readonly why: string };

/** In two parts where tables have to be made anew: first everything is dropped that goes with them. */
function actionsBetween(
  live: FactBase,
  desired: FactBase,
  anew: MadeAnew | null,
  assumedSchemas: readonly string[],
): Compared {
  const between = (from: FactBase, to: FactBase) => plan(from, to, { assumedSchemas: [...assumedSchemas] }).actions;
  if (anew === null) return { kind: 'actions', actions: between(live, desired) };
  try {
    return { kind: 'actions', actions: [...between(live, anew.without), ...between(anew.without, desired)] };
  } catch (error) {
    return { kind: 'no_order', anew, why: error instanceof Error ? error.message : String(error) };
  }
}

/** The one blocked change that stands for a plan whose statements cannot be put in an order. */
function withoutOrder({ anew, why }: Extract<Compared, { kind: 'no_order' }>, namespace: string): FinishedItem {
  const { tables, inside } = anew;
  const [table = ''] = tables;
  const change = {
    namespace,
    table: table.split('.').at(-1) ?? table,
    kind: 'alter',
    ddl: tables.map((name) => `DROP TABLE ${name}`).join(';\n'),
    unsafeReason: null,
    blockedReason: `${tables.join(', ')} would have to be dropped and created anew, and there is no order in which that works: ${why}`,
    steps: [],
  } as const;
  return { change, produces: [...inside], destroys: [...inside], writes: inside };
}

function statementOf(action: Action, live: FactBase): Statement {
  const sql = action.sql.trim().replace(/;$/, '');
  const produces = action.produces.map(encodeId);
  const destroys = [...reach(action.destroys.map(encodeId), (id) => childIds(live, id))];
  const altered = action.verb === 'alter' ? action.consumes.filter(({ kind }) => kind !== 'schema').map(encodeId) : [];
  return {
    sql,
    tree: parseStatement(sql),
    produces,
    destroys,
    writes: new Set([...produces, ...destroys, ...altered]),
    ...(action.verb === 'create' && produces.length === 0 ? { completes: action.consumes.map(encodeId) } : {}),
    isDestructive: action.dataLoss === 'destructive',
    isDrop: action.verb === 'drop',
  };
}

interface ItemContext {
  readonly facts: LiveFacts;
  readonly namespace: string;
  /** Why a thing cannot be dropped, by its id. */
  readonly obstacles: ReadonlyMap<string, string>;
}

function itemOf(statement: Statement, { facts, namespace, obstacles }: ItemContext): PlanItem {
  const { sql, tree, produces, destroys, writes, completes } = statement;
  const obstacle = destroys.flatMap((id) => obstacles.get(id) ?? [])[0];
  const judged =
    obstacle === undefined ? (statement.verdict ?? judgeStatement(sql, tree, facts)) : blocked('drop', obstacle);
  const subject = subjectOf(tree, { namespace, tableOfIndex: facts.tableOfIndex });
  const change = {
    namespace: subject.namespace,
    table: subject.name,
    kind: judged.kind,
    ddl: judged.blockedReason === null ? ddlOf(judged.steps) : sql,
    blockedReason: judged.blockedReason,
    steps: judged.steps,
  };
  const reasons = reasonsOf(statement, change.steps, facts);
  return { change, reasons, produces, destroys, writes, ...(completes === undefined ? {} : { completes }) };
}

/** What a statement loses without saying so: sequences that go with their owner, and what only the library knows. */
function reasonsOf(statement: Statement, steps: readonly Step[], facts: LiveFacts): readonly string[] {
  if (steps.length === 0) return [];
  const sequences = statement.isDrop ? statement.destroys.filter((id) => id.startsWith('sequence:')) : [];
  const reasons = sequences
    .filter((id) => id !== statement.destroys[0])
    .map((id) => `${id.replace(':', ' ')} goes with it, and its current value is lost`);
  const isTold = !statement.isDestructive || lossesOf(steps, facts).length > 0;
  return isTold ? reasons : [...reasons, 'it deletes data'];
}

/**
 * How a live fact enters the comparison. What is there only in half counts as missing, so that the plan finishes it and
 * has the same text on every deployment.
 */
function asPlanned(fact: Fact, live: LiveCatalogue, desired: FactBase): Fact | null {
  const { id } = fact;
  // An index whose build was cut short serves nobody; building it again drops it first.
  if (id.kind === 'index' && fact.payload['valid'] === false && desired.has(id)) return null;
  if (id.kind === 'index' && isSuccessorName(id.name) && !desired.has(id)) return null;
  if (id.kind === 'column' && live.unvalidatedNotNull.has(`${id.schema}.${id.table}.${id.name}`)) {
    // PostgreSQL 18 shows a column as NOT NULL before its constraint has been validated.
    return { ...fact, payload: { ...fact.payload, notNull: false } };
  }
  // Extensions belong to the database: a schema may ask for one, and never drops one.
  if (id.kind === 'extension' && !desired.has(id)) return null;
  return fact;
}

interface Statement extends Pick<PlanItem, 'produces' | 'destroys' | 'writes' | 'completes'> {
  readonly sql: string;
  readonly tree: Node;
  /** The library says that it deletes data. */
  readonly isDestructive: boolean;
  readonly isDrop: boolean;
  /** Given where the statement has been judged already. */
  readonly verdict?: Verdict;
}

/**
 * A change of a column's type arrives as three statements (DROP DEFAULT, TYPE, SET DEFAULT). They become one, so that the
 * column is never without its default.
 */
function mergeTypeChanges(statements: readonly Statement[], desired: FactBase, facts: LiveFacts): readonly Statement[] {
  const merged: Statement[] = [];
  for (let position = 0; position < statements.length; position += 1) {
    const statement = statements[position];
    if (statement === undefined) continue;
    const change = columnCommand(statement.tree);
    const to = change === null ? undefined : desired.get({ kind: 'column', ...change.place })?.payload['type'];
    if (change === null || change.subtype !== 'AT_AlterColumnType' || typeof to !== 'string') {
      merged.push(statement);
      continue;
    }
    const { schema, table, name } = change.place;
    const sameColumn = (other: Statement | undefined) => {
      const command = other === undefined ? null : columnCommand(other.tree);
      return command?.subtype === 'AT_ColumnDefault' && JSON.stringify(command.place) === JSON.stringify(change.place);
    };
    const clauses = [`ALTER COLUMN ${quoteIdentifier(name)} TYPE ${to}`];
    if (sameColumn(merged.at(-1))) {
      merged.pop();
      if (facts.hasDefault(schema, table, name)) clauses.unshift(`ALTER COLUMN ${quoteIdentifier(name)} DROP DEFAULT`);
    }
    const prefix = `ALTER TABLE ${quoteQualified(schema, table)} `;
    const next = statements[position + 1];
    if (next !== undefined && sameColumn(next) && next.sql.startsWith(prefix)) {
      clauses.push(next.sql.slice(prefix.length));
      position += 1;
    }
    const sql = `${prefix}${clauses.join(', ')}`;
    const verdict = alterColumnType({ schema, table, column: name, to, statement: sql }, facts);
    merged.push({ ...statement, sql, tree: parseStatement(sql), verdict });
  }
  return merged;
}

/** The column and the kind of an ALTER TABLE that has one command on one column. */
function columnCommand(tree: Node) {
  if (!('AlterTableStmt' in tree) || tree.AlterTableStmt.cmds?.length !== 1) return null;
  const [command] = tree.AlterTableStmt.cmds;
  if (command === undefined || !('AlterTableCmd' in command)) return null;
  const { relation } = tree.AlterTableStmt;
  return {
    subtype: command.AlterTableCmd.subtype,
    place: {
      schema: relation?.schemaname ?? '',
      table: relation?.relname ?? '',
      name: command.AlterTableCmd.name ?? '',
    },
  };
}
