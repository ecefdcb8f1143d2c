import type { DropStmt, IndexStmt, Node } from 'libpg-query';
import { alterTable } from './alter-table-rule.js';
import type { ChangeKind } from '../../change.js';
import type { LiveFacts } from './live-facts.js';
import { lossByDrop } from './loss.js';
import { quoteQualified, statementKind, strings } from './sql.js';
import { blocked, brief, online, type Verdict } from './verdict.js';

/**
 * Statements that create or describe something without holding up whoever uses an existing table. What is not listed
 * here or treated below is blocked: only what is known to be online runs (engine contract E19).
 */
const BRIEF_STATEMENTS: Readonly<Record<string, ChangeKind>> = {
  AlterEnumStmt: 'alter',
  AlterExtensionContentsStmt: 'alter',
  AlterFunctionStmt: 'alter',
  AlterPolicyStmt: 'alter',
  AlterSeqStmt: 'alter',
  CommentStmt: 'other',
  CompositeTypeStmt: 'create',
  CreateDomainStmt: 'create',
  CreateEnumStmt: 'create',
  CreateFunctionStmt: 'create',
  CreatePolicyStmt: 'create',
  CreateRangeStmt: 'create',
  CreateSchemaStmt: 'create',
  CreateSeqStmt: 'create',
  CreateTrigStmt: 'create',
  DefineStmt: 'create',
  RenameStmt: 'rename',
  RuleStmt: 'create',
  ViewStmt: 'create_view',
};

/** How one statement, which is neither a merged nor a special one, is to be run. */
export function judgeStatement(statement: string, tree: Node, facts: LiveFacts): Verdict {
  if ('AlterTableStmt' in tree) return judgeAlter(statement, tree, facts);
  if ('IndexStmt' in tree) return createIndex(statement, tree.IndexStmt, facts);
  if ('DropStmt' in tree) return drop(statement, tree.DropStmt, facts);
  if ('CreateStmt' in tree) {
    const parent = (tree.CreateStmt.inhRelations ?? []).flatMap((node) =>
      'RangeVar' in node ? [node.RangeVar] : [],
    )[0];
    if (tree.CreateStmt.partbound !== undefined && !facts.isNewTable(parent?.schemaname ?? '', parent?.relname ?? '')) {
      return blocked(
        'create',
        'a partition of an existing table: PostgreSQL locks the parent and scans its default partition',
      );
    }
    return brief('create', statement);
  }
  if ('CreateTableAsStmt' in tree) {
    // Runs its query once, holding only read locks on the tables it reads.
    return tree.CreateTableAsStmt.objtype === 'OBJECT_MATVIEW'
      ? online('create_view', [{ kind: 'transaction', statement, scans: true, undo: null }])
      : blocked('create', 'CREATE TABLE AS is not part of a declared schema');
  }
  if ('CreateExtensionStmt' in tree) {
    // Its script may take its time, but works on objects of its own.
    return online('create', [{ kind: 'transaction', statement, scans: true, undo: null }]);
  }
  if ('AlterDomainStmt' in tree) {
    const { subtype } = tree.AlterDomainStmt;
    // T: default, N: drop not null, X: drop constraint. The others check every table that uses the domain.
    return subtype === 'AD_AlterDefault' || subtype === 'AD_DropNotNull'
      ? brief('alter', statement)
      : subtype === 'AD_DropConstraint'
        ? brief('alter', statement)
        : blocked('alter', 'this change of a domain scans every table that uses it under a lock');
  }
  const kind = BRIEF_STATEMENTS[statementKind(tree)];
  return kind === undefined
    ? blocked('other', `a statement of the kind ${statementKind(tree)} is not known to be online`)
    : brief(kind, statement);
}

function judgeAlter(statement: string, tree: Extract<Node, { AlterTableStmt: unknown }>, facts: LiveFacts): Verdict {
  const { objtype } = tree.AlterTableStmt;
  if (objtype === 'OBJECT_TABLE') return alterTable(statement, tree.AlterTableStmt, facts);
  if (objtype === 'OBJECT_VIEW' || objtype === 'OBJECT_SEQUENCE' || objtype === 'OBJECT_INDEX')
    return brief('alter', statement);
  if (objtype === 'OBJECT_TYPE') {
    const subtypes = (tree.AlterTableStmt.cmds ?? []).map((node) =>
      'AlterTableCmd' in node ? node.AlterTableCmd.subtype : undefined,
    );
    return subtypes.every((subtype) => subtype === 'AT_AddColumn')
      ? brief('alter', statement)
      : blocked('alter', 'this change of a composite type may rewrite the tables that use it');
  }
  return blocked('alter', `ALTER of this kind of object (${objtype ?? 'unknown'}) is not known to be online`);
}

function createIndex(statement: string, tree: IndexStmt, facts: LiveFacts): Verdict {
  const schema = tree.relation?.schemaname ?? '';
  const table = tree.relation?.relname ?? '';
  const index = tree.idxname ?? '';
  if (facts.isNewTable(schema, table)) return brief('create_index', statement);
  if (facts.isPartitioned(schema, table)) {
    return blocked('create_index', `an index on the partitioned table ${schema}.${table} cannot be built concurrently`);
  }
  const concurrent = statement.replace(/^CREATE (UNIQUE )?INDEX (?!CONCURRENTLY )/, 'CREATE $1INDEX CONCURRENTLY ');
  if (concurrent === statement) return blocked('create_index', 'an index statement of an unexpected form');
  return online('create_index', [{ kind: 'build_index', statement: concurrent, schema, index, definition: statement }]);
}

function drop(statement: string, tree: DropStmt, facts: LiveFacts): Verdict {
  const [object] = tree.objects ?? [];
  if (tree.removeType === 'OBJECT_INDEX' && object !== undefined && 'List' in object) {
    const [schema = '', index = ''] = strings(object.List.items);
    const table = facts.tableOfIndex(schema, index) ?? '';
    if (facts.isPartitioned(schema, table)) {
      return blocked(
        'drop_index',
        `the index ${schema}.${index} of a partitioned table cannot be dropped concurrently`,
      );
    }
    return online('drop_index', [
      { kind: 'drop_index', statement: `DROP INDEX CONCURRENTLY ${quoteQualified(schema, index)}`, schema, index },
    ]);
  }
  const kind = tree.removeType ?? 'unknown';
  return lossByDrop(kind) === null
    ? blocked('drop', `DROP of this kind of object (${kind}) is not known to be online`)
    : brief('drop', statement);
}
