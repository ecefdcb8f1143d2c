import type { AlterTableCmd, AlterTableStmt, FunctionParameter, Node, RangeVar, TypeName } from 'libpg-query';
import { strings } from './sql.js';

/** An object that a statement creates or drops, as the statement names it. */
export interface NamedObject {
  /** As the grammar calls it, such as `OBJECT_TABLE`. */
  readonly kind: string;
  /** From the schema down, such as schema, table, column. */
  readonly names: readonly string[];
  /** Types of a function's arguments, which are part of its name. */
  readonly argumentTypes: readonly string[];
}

/** Equal for what is the same object. */
export function objectKey({ kind, names, argumentTypes }: NamedObject): string {
  return JSON.stringify([kind, names, argumentTypes]);
}

function named(kind: string, names: readonly string[], argumentTypes: readonly string[] = []): NamedObject {
  return { kind, names, argumentTypes };
}

function within(relation: RangeVar | undefined, ...names: readonly (string | undefined)[]): readonly string[] {
  return [relation?.schemaname ?? '', relation?.relname ?? '', ...names.map((name) => name ?? '')];
}

export function commandsIn(alter: AlterTableStmt): readonly AlterTableCmd[] {
  return (alter.cmds ?? []).flatMap((node) => ('AlterTableCmd' in node ? [node.AlterTableCmd] : []));
}

/** What a statement creates, under the name that the object has afterwards. */
export function createdBy(node: Node): readonly NamedObject[] {
  if ('AlterTableStmt' in node) return addedBy(node.AlterTableStmt);
  const one = createdObject(node);
  return one === null ? [] : [one];
}

function createdObject(node: Node): NamedObject | null {
  if ('CreateStmt' in node) return named('OBJECT_TABLE', within(node.CreateStmt.relation));
  if ('ViewStmt' in node) return named('OBJECT_VIEW', within(node.ViewStmt.view));
  if ('CreateTableAsStmt' in node) return named('OBJECT_MATVIEW', within(node.CreateTableAsStmt.into?.rel));
  if ('CreateSeqStmt' in node) return named('OBJECT_SEQUENCE', within(node.CreateSeqStmt.sequence));
  if ('IndexStmt' in node) {
    return named('OBJECT_INDEX', [node.IndexStmt.relation?.schemaname ?? '', node.IndexStmt.idxname ?? '']);
  }
  if ('RenameStmt' in node && node.RenameStmt.renameType === 'OBJECT_INDEX') {
    return named('OBJECT_INDEX', [node.RenameStmt.relation?.schemaname ?? '', node.RenameStmt.newname ?? '']);
  }
  if ('CreateTrigStmt' in node) {
    return named('OBJECT_TRIGGER', within(node.CreateTrigStmt.relation, node.CreateTrigStmt.trigname));
  }
  if ('CreatePolicyStmt' in node) {
    return named('OBJECT_POLICY', within(node.CreatePolicyStmt.table, node.CreatePolicyStmt.policy_name));
  }
  if ('RuleStmt' in node) return named('OBJECT_RULE', within(node.RuleStmt.relation, node.RuleStmt.rulename));
  if ('CreateFunctionStmt' in node) {
    const { funcname, parameters, is_procedure: isProcedure } = node.CreateFunctionStmt;
    const kind = isProcedure === true ? 'OBJECT_PROCEDURE' : 'OBJECT_FUNCTION';
    return named(kind, strings(funcname), (parameters ?? []).flatMap(argumentType));
  }
  if ('CreateEnumStmt' in node) return named('OBJECT_TYPE', strings(node.CreateEnumStmt.typeName));
  if ('CreateRangeStmt' in node) return named('OBJECT_TYPE', strings(node.CreateRangeStmt.typeName));
  if ('CompositeTypeStmt' in node) return named('OBJECT_TYPE', within(node.CompositeTypeStmt.typevar));
  if ('CreateDomainStmt' in node) return named('OBJECT_DOMAIN', strings(node.CreateDomainStmt.domainname));
  if ('DefineStmt' in node) return named(node.DefineStmt.kind ?? '', strings(node.DefineStmt.defnames));
  return null;
}

function addedBy(alter: AlterTableStmt): readonly NamedObject[] {
  return commandsIn(alter).flatMap(({ subtype, def }): readonly NamedObject[] => {
    if (def === undefined) return [];
    if (subtype === 'AT_AddColumn' && 'ColumnDef' in def) {
      return [named('OBJECT_COLUMN', within(alter.relation, def.ColumnDef.colname))];
    }
    return subtype === 'AT_AddConstraint' && 'Constraint' in def
      ? [named('OBJECT_TABCONSTRAINT', within(alter.relation, def.Constraint.conname))]
      : [];
  });
}

/** What a statement drops by name. What goes with it is not named. */
export function droppedBy(node: Node): readonly NamedObject[] {
  if ('DropStmt' in node) {
    const kind = node.DropStmt.removeType ?? '';
    return (node.DropStmt.objects ?? []).map((object) => droppedObject(kind, object));
  }
  if (!('AlterTableStmt' in node)) return [];
  const { relation } = node.AlterTableStmt;
  return commandsIn(node.AlterTableStmt).flatMap(({ subtype, name }): readonly NamedObject[] => {
    if (subtype === 'AT_DropColumn') return [named('OBJECT_COLUMN', within(relation, name))];
    return subtype === 'AT_DropConstraint' ? [named('OBJECT_TABCONSTRAINT', within(relation, name))] : [];
  });
}

function droppedObject(kind: string, object: Node): NamedObject {
  if ('List' in object) return named(kind, strings(object.List.items));
  if ('TypeName' in object) return named(kind, strings(object.TypeName.names));
  if ('ObjectWithArgs' in object) {
    const { objname, objargs } = object.ObjectWithArgs;
    // A definition of an aggregate lists its arguments in a form of its own; its name has to do.
    const types =
      kind === 'OBJECT_AGGREGATE'
        ? []
        : (objargs ?? []).flatMap((node) => ('TypeName' in node ? [typeText(node.TypeName)] : []));
    return named(kind, strings(objname), types);
  }
  return named(kind, 'String' in object ? [object.String.sval ?? ''] : []);
}

/** The type of a parameter that is part of a function's name; an OUT parameter and a column of a result are not. */
function argumentType(node: Node): readonly string[] {
  if (!('FunctionParameter' in node)) return [];
  const { mode, argType }: FunctionParameter = node.FunctionParameter;
  const isPartOfName = mode !== 'FUNC_PARAM_OUT' && mode !== 'FUNC_PARAM_TABLE' && argType !== undefined;
  return isPartOfName ? [typeText(argType)] : [];
}

function typeText({ names, arrayBounds }: TypeName): string {
  return `${strings(names).join('.')}${'[]'.repeat((arrayBounds ?? []).length)}`;
}
