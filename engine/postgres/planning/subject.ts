import type { Node, RangeVar } from 'libpg-query';
import { strings } from './sql.js';

/** What a statement is about: the table, or the other object that it creates, changes or drops. */
export interface Subject {
  readonly namespace: string;
  readonly name: string;
}

/** Kinds of object that hang on a table and are addressed through it. */
const ON_A_TABLE: ReadonlySet<string> = new Set([
  'OBJECT_TRIGGER',
  'OBJECT_POLICY',
  'OBJECT_RULE',
  'OBJECT_COLUMN',
  'OBJECT_TABCONSTRAINT',
]);

/**
 * Reads the subject off a statement. `tableOfIndex` says on which table an existing index is; `namespace` stands in where
 * the statement names none.
 */
export function subjectOf(
  tree: Node,
  context: { readonly namespace: string; readonly tableOfIndex: (schema: string, index: string) => string | null },
): Subject {
  const { namespace } = context;
  const named = (names: readonly string[]): Subject => ({
    namespace: names.at(-2) ?? namespace,
    name: names.at(-1) ?? '',
  });
  const indexed = (subject: Subject): Subject => ({
    namespace: subject.namespace,
    name: context.tableOfIndex(subject.namespace, subject.name) ?? subject.name,
  });

  if ('DropStmt' in tree || 'CommentStmt' in tree) {
    const [kind, object] =
      'DropStmt' in tree
        ? [tree.DropStmt.removeType, (tree.DropStmt.objects ?? [])[0]]
        : [tree.CommentStmt.objtype, tree.CommentStmt.object];
    const names = object === undefined ? [] : namesOf(object);
    const subject = named(ON_A_TABLE.has(kind ?? '') ? names.slice(0, -1) : names);
    return kind === 'OBJECT_INDEX' ? indexed(subject) : subject;
  }
  const relation = relationOf(tree);
  if (relation !== undefined) {
    const subject = { namespace: relation.schemaname ?? namespace, name: relation.relname ?? '' };
    return 'AlterTableStmt' in tree && tree.AlterTableStmt.objtype === 'OBJECT_INDEX' ? indexed(subject) : subject;
  }
  return named(objectNames(tree));
}

function relationOf(tree: Node): RangeVar | undefined {
  if ('AlterTableStmt' in tree) return tree.AlterTableStmt.relation;
  if ('CreateStmt' in tree) return tree.CreateStmt.relation;
  if ('IndexStmt' in tree) return tree.IndexStmt.relation;
  if ('ViewStmt' in tree) return tree.ViewStmt.view;
  if ('CreateTrigStmt' in tree) return tree.CreateTrigStmt.relation;
  if ('CreatePolicyStmt' in tree) return tree.CreatePolicyStmt.table;
  if ('AlterPolicyStmt' in tree) return tree.AlterPolicyStmt.table;
  if ('CreateSeqStmt' in tree) return tree.CreateSeqStmt.sequence;
  if ('AlterSeqStmt' in tree) return tree.AlterSeqStmt.sequence;
  if ('RuleStmt' in tree) return tree.RuleStmt.relation;
  if ('RenameStmt' in tree) return tree.RenameStmt.relation;
  if ('CompositeTypeStmt' in tree) return tree.CompositeTypeStmt.typevar;
  if ('CreateTableAsStmt' in tree) return tree.CreateTableAsStmt.into?.rel;
  return undefined;
}

function objectNames(tree: Node): readonly string[] {
  if ('CreateFunctionStmt' in tree) return strings(tree.CreateFunctionStmt.funcname);
  if ('AlterFunctionStmt' in tree) return strings(tree.AlterFunctionStmt.func?.objname);
  if ('CreateEnumStmt' in tree) return strings(tree.CreateEnumStmt.typeName);
  if ('AlterEnumStmt' in tree) return strings(tree.AlterEnumStmt.typeName);
  if ('CreateRangeStmt' in tree) return strings(tree.CreateRangeStmt.typeName);
  if ('CreateDomainStmt' in tree) return strings(tree.CreateDomainStmt.domainname);
  if ('AlterDomainStmt' in tree) return strings(tree.AlterDomainStmt.typeName);
  if ('DefineStmt' in tree) return strings(tree.DefineStmt.defnames);
  if ('CreateSchemaStmt' in tree)
    return [tree.CreateSchemaStmt.schemaname ?? '', tree.CreateSchemaStmt.schemaname ?? ''];
  if ('CreateExtensionStmt' in tree) return [tree.CreateExtensionStmt.extname ?? ''];
  return [];
}

function namesOf(object: Node): readonly string[] {
  if ('List' in object) return strings(object.List.items);
  if ('TypeName' in object) return strings(object.TypeName.names);
  if ('ObjectWithArgs' in object) return strings(object.ObjectWithArgs.objname);
  if ('String' in object) return [object.String.sval ?? ''];
  return [];
}
