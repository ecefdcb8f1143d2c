import type { AlterTableStmt, DropStmt, Node } from 'libpg-query';
import { commandsIn, createdBy, droppedBy, objectKey } from './created-and-dropped.js';
import type { Step } from './change.js';
import { parseStatements, statementKind } from './sql.js';

/**
 * Why a change needs consent is read off the statements that it runs, when the plan is complete. No rule can take a reason
 * away, whatever it gathers, moves or rewrites, because none of them gives these reasons.
 */

/** What is lost when an object of this kind is dropped and does not come back at once. */
const DROP_LOSSES: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'DROP TABLE deletes the table and its data',
  OBJECT_VIEW: 'DROP VIEW breaks whoever reads the view',
  OBJECT_MATVIEW: 'DROP MATERIALIZED VIEW deletes the view and what it holds',
  OBJECT_SEQUENCE: 'DROP SEQUENCE deletes its current value',
  OBJECT_FUNCTION: 'DROP FUNCTION breaks whoever calls it',
  OBJECT_PROCEDURE: 'DROP PROCEDURE breaks whoever calls it',
  OBJECT_AGGREGATE: 'DROP AGGREGATE breaks whoever uses it',
  OBJECT_TYPE: 'DROP TYPE removes a type',
  OBJECT_DOMAIN: 'DROP DOMAIN removes a type',
  OBJECT_TRIGGER: 'DROP TRIGGER ends what the trigger does',
  OBJECT_POLICY: 'DROP POLICY changes who sees which rows',
  OBJECT_RULE: 'DROP RULE ends what the rule does',
  OBJECT_COLLATION: 'DROP COLLATION removes a collation',
};

/** Kinds that lose nothing when the same transaction creates them again. */
const LOSES_NOTHING_ANEW: ReadonlySet<string> = new Set([
  'OBJECT_TRIGGER',
  'OBJECT_POLICY',
  'OBJECT_RULE',
  'OBJECT_INDEX',
  'OBJECT_TABCONSTRAINT',
]);

/** Statements that no rule makes. One that came up all the same would be told. */
const FOREIGN_STATEMENTS: Readonly<Record<string, string>> = {
  TruncateStmt: 'TRUNCATE deletes rows',
  DeleteStmt: 'DELETE deletes rows',
  UpdateStmt: 'UPDATE overwrites values',
  MergeStmt: 'MERGE overwrites values',
  DoStmt: 'nobody can tell what a DO block deletes',
  CallStmt: 'nobody can tell what a procedure deletes',
};

/** What a reader of a change's losses has to know about the database. */
export interface LossContext {
  /** An index that no query can use is no loss. */
  readonly isValidIndex: (schema: string, index: string) => boolean;
}

/** The loss by a DROP of this kind of object, such as `OBJECT_TABLE`; null for a kind that no rule knows. */
export function lossByDrop(kind: string): string | null {
  return DROP_LOSSES[kind] ?? null;
}

/** Every loss by a change that runs these steps: distinct, in the order of the statements. */
export function lossesOf(steps: readonly Step[], context: LossContext): readonly string[] {
  const made = new Set<string>();
  const losses = steps.flatMap((step) => {
    const nodes = parseStatements(step.statement).map(({ node }) => node);
    return nodes.flatMap((node, position) => {
      const anew = new Set(
        nodes
          .slice(position + 1)
          .flatMap(createdBy)
          .map(objectKey),
      );
      const lost = lossesOfStatement(node, { anew, made, context });
      for (const created of createdBy(node)) made.add(objectKey(created));
      return lost;
    });
  });
  return [...new Set(losses)];
}

interface Surroundings {
  /** What the same transaction creates after the statement, and what the same change has created before it. */
  readonly anew: ReadonlySet<string>;
  readonly made: ReadonlySet<string>;
  readonly context: LossContext;
}

function lossesOfStatement(node: Node, around: Surroundings): readonly string[] {
  if ('DropStmt' in node) return lossesOfDrop(node.DropStmt, node, around);
  if ('AlterTableStmt' in node) return lossesOfAlter(node.AlterTableStmt, node, around);
  if ('AlterDomainStmt' in node && ['X', 'AD_DropConstraint'].includes(node.AlterDomainStmt.subtype ?? '')) {
    return ['dropping a constraint of a domain gives up what it guarantees'];
  }
  if ('AlterSeqStmt' in node && restarts(node.AlterSeqStmt.options)) return [RESTART_LOSS];
  const kind = statementKind(node);
  const foreign = FOREIGN_STATEMENTS[kind] ?? (kind.startsWith('Drop') ? `${kind} removes what others may use` : null);
  return foreign === null ? [] : [foreign];
}

const RESTART_LOSS = 'RESTART sets the sequence to another value, so that it may give a number twice';
const CASCADE_LOSS = 'CASCADE drops also whatever depends on it';

function restarts(options: readonly Node[] | undefined): boolean {
  return (options ?? []).some((option) => 'DefElem' in option && option.DefElem.defname === 'restart');
}

function lossesOfDrop(drop: DropStmt, node: Node, { anew, made, context }: Surroundings): readonly string[] {
  const losses = droppedBy(node).flatMap((object) => {
    const key = objectKey(object);
    const place = object.names.join('.');
    const name = object.names.at(-1) ?? '';
    if (object.kind === 'OBJECT_INDEX') {
      const isLoss = !anew.has(key) && context.isValidIndex(object.names.at(-2) ?? '', name);
      return isLoss
        ? [`DROP INDEX ${name}: queries that use it become slow, and a unique one gives up what it guarantees`]
        : [];
    }
    const known = DROP_LOSSES[object.kind] ?? `DROP of this kind of object (${object.kind}) removes ${place}`;
    // Data is told even where the same change made it; of the rest, what this change itself brought is no loss.
    if (object.kind === 'OBJECT_TABLE') {
      return [anew.has(key) ? `table ${place} is dropped and created anew, which deletes its rows` : known];
    }
    if (object.kind === 'OBJECT_SEQUENCE') {
      return [anew.has(key) ? `sequence ${place} is dropped and created anew, which loses its current value` : known];
    }
    if (LOSES_NOTHING_ANEW.has(object.kind) && (anew.has(key) || made.has(key))) return [];
    if (object.kind === 'OBJECT_MATVIEW' || !anew.has(key)) return [known];
    return [`${name} is dropped and created again in one transaction: whoever relies on the old one may break`];
  });
  return drop.behavior === 'DROP_CASCADE' ? [...losses, CASCADE_LOSS] : losses;
}

function lossesOfAlter(alter: AlterTableStmt, node: Node, { anew, made }: Surroundings): readonly string[] {
  const table = droppedBy(node);
  return commandsIn(alter).flatMap((command): readonly string[] => {
    const name = command.name ?? '';
    const cascade = command.behavior === 'DROP_CASCADE' ? [CASCADE_LOSS] : [];
    const object = table.find((one) => one.names.at(-1) === name);
    const key = object === undefined ? '' : objectKey(object);
    switch (command.subtype) {
      case 'AT_DropColumn': {
        const owner = object?.names.slice(0, -1).join('.') ?? '';
        const isAnew = anew.has(key);
        const loss = isAnew
          ? `column ${name} of ${owner} is dropped and created anew, which deletes its values and loses the privileges granted on it`
          : `DROP COLUMN ${name} deletes its data`;
        return [loss, ...cascade];
      }
      case 'AT_DropConstraint':
        return anew.has(key) || made.has(key)
          ? cascade
          : [`DROP CONSTRAINT ${name} gives up what it guarantees`, ...cascade];
      case 'AT_DropIdentity':
        return [`DROP IDENTITY of column ${name} deletes its sequence`];
      case 'AT_SetIdentity':
        return command.def !== undefined && 'List' in command.def && restarts(command.def.List.items)
          ? [RESTART_LOSS]
          : [];
      case 'AT_DetachPartition':
      case 'AT_DetachPartitionFinalize':
      case 'AT_DropInherit':
        return ['the rows of the table that is taken off are no longer found through its parent'];
      case 'AT_AlterColumnType':
        return command.def !== undefined &&
          'ColumnDef' in command.def &&
          command.def.ColumnDef.raw_default !== undefined
          ? [`TYPE … USING computes the values of column ${name} anew, which may lose part of them`]
          : [];
      default:
        return [];
    }
  });
}
