import type { AlterTableCmd, AlterTableStmt } from 'libpg-query';
import { addColumnObstacle, isFreeTypeChange } from './column-rule.js';
import { addConstraint, setNotNull } from './constraint-rule.js';
import type { LiveFacts } from './live-facts.js';
import { numberingObstacle } from './numbering-rule.js';
import { blocked, brief, online, type Verdict } from './verdict.js';

/** Forms of ALTER TABLE that only change the catalogue, whatever they are applied to. */
const BRIEF_COMMANDS: ReadonlySet<string> = new Set([
  'AT_ColumnDefault',
  'AT_DropNotNull',
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_SetStorage',
  'AT_SetCompression',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_EnableTrig',
  'AT_EnableAlwaysTrig',
  'AT_EnableReplicaTrig',
  'AT_DisableTrig',
  'AT_EnableRule',
  'AT_EnableAlwaysRule',
  'AT_EnableReplicaRule',
  'AT_DisableRule',
  'AT_ReplicaIdentity',
  'AT_EnableRowSecurity',
  'AT_DisableRowSecurity',
  'AT_ForceRowSecurity',
  'AT_NoForceRowSecurity',
  'AT_SetIdentity',
  'AT_DropExpression',
  'AT_DropColumn',
  'AT_DropConstraint',
  'AT_DropIdentity',
]);

const REWRITES: Readonly<Record<string, string>> = {
  AT_SetLogged: 'SET LOGGED rewrites the table under an exclusive lock',
  AT_SetUnLogged: 'SET UNLOGGED rewrites the table under an exclusive lock and makes it unsafe against crashes',
  AT_SetTableSpace: 'SET TABLESPACE copies the table under an exclusive lock',
  AT_SetAccessMethod: 'SET ACCESS METHOD rewrites the table under an exclusive lock',
  AT_AttachPartition: 'ATTACH PARTITION scans the table it attaches',
};

/** How one ALTER TABLE statement is to be run. */
export function alterTable(statement: string, tree: AlterTableStmt, facts: LiveFacts): Verdict {
  const schema = tree.relation?.schemaname ?? '';
  const table = tree.relation?.relname ?? '';
  const commands = (tree.cmds ?? []).flatMap((node) => ('AlterTableCmd' in node ? [node.AlterTableCmd] : []));
  if (facts.isNewTable(schema, table)) return brief('alter', statement);
  const verdicts = commands.map((command) => alterTableCommand({ schema, table, statement, command }, facts));
  const [first, ...rest] = verdicts;
  if (first === undefined) return blocked('alter', 'ALTER TABLE without a command that this engine knows');
  if (rest.length === 0) return first;
  const obstacle = verdicts.find((verdict) => verdict.blockedReason !== null);
  if (obstacle !== undefined) return obstacle;
  if (verdicts.some((verdict) => verdict.steps.length !== 1 || verdict.steps[0]?.statement !== statement)) {
    return blocked('alter', 'several commands in one ALTER TABLE, of which some need steps of their own');
  }
  return first;
}

interface CommandInPlace {
  readonly schema: string;
  readonly table: string;
  readonly statement: string;
  readonly command: AlterTableCmd;
}

function alterTableCommand({ schema, table, statement, command }: CommandInPlace, facts: LiveFacts): Verdict {
  const subtype = command.subtype ?? 'unknown';
  const name = command.name ?? '';
  const numbering = numberingObstacle(command, { schema, table }, facts);
  if (numbering !== null) return blocked('alter', numbering);
  if (BRIEF_COMMANDS.has(subtype) || subtype === 'AT_AddIdentity') return brief('alter', statement);
  const rewrite = REWRITES[subtype];
  if (rewrite !== undefined) return blocked('alter', rewrite);
  const definition = command.def;
  if (subtype === 'AT_AddColumn' && definition !== undefined && 'ColumnDef' in definition) {
    const obstacle = addColumnObstacle(definition.ColumnDef, facts);
    return obstacle === null ? brief('alter', statement) : blocked('alter', obstacle);
  }
  if (subtype === 'AT_AddConstraint' && definition !== undefined && 'Constraint' in definition) {
    return addConstraint({ schema, table, statement, constraint: definition.Constraint }, facts);
  }
  if (subtype === 'AT_SetNotNull') return setNotNull({ schema, table, column: name, statement }, facts);
  if (subtype === 'AT_ValidateConstraint') {
    return online('alter', [{ kind: 'transaction', statement, scans: true, undo: null }]);
  }
  return blocked('alter', `this form of ALTER TABLE (${subtype}) is not known to be online`);
}

/** How a change of a column's type is to be run. `to` is the new type as format_type prints it. */
export function alterColumnType(
  change: { schema: string; table: string; column: string; to: string; statement: string },
  facts: LiveFacts,
): Verdict {
  const { schema, table, column, to, statement } = change;
  if (facts.isNewTable(schema, table)) return brief('alter', statement);
  const from = facts.columnType(schema, table, column) ?? 'unknown';
  if (!isFreeTypeChange(from, to)) {
    return blocked(
      'alter',
      `the type of column ${column} cannot change from ${from} to ${to} without rewriting or scanning table ${schema}.${table} under an exclusive lock`,
    );
  }
  const obstacle = facts.typeChangeObstacle(schema, table, column);
  return obstacle === null
    ? brief('alter', statement)
    : blocked('alter', `the type of column ${column} changes: ${obstacle}`);
}
