import type { Constraint } from 'libpg-query';
import type { LiveFacts } from './live-facts.js';
import { quoteIdentifier, quoteQualified, strings } from './sql.js';
import { blocked, brief, online, type Verdict } from './verdict.js';

export interface ConstraintAddition {
  readonly schema: string;
  readonly table: string;
  readonly statement: string;
  readonly constraint: Constraint;
}

/**
 * ADD CONSTRAINT without holding writers up: CHECK and FOREIGN KEY are added NOT VALID and then validated, UNIQUE and
 * PRIMARY KEY get their index built concurrently first. On a table that this plan creates the statement runs as it is.
 */
export function addConstraint(addition: ConstraintAddition, facts: LiveFacts): Verdict {
  const { schema, table, statement, constraint } = addition;
  if (facts.isNewTable(schema, table)) return brief('alter', statement);
  switch (constraint.contype) {
    case 'CONSTR_CHECK':
    case 'CONSTR_FOREIGN':
      return addThenValidate(addition, facts);
    case 'CONSTR_UNIQUE':
      return addUnique(addition, facts);
    case 'CONSTR_PRIMARY':
      return blocked(
        'alter',
        `PRIMARY KEY on the existing table ${schema}.${table}: PostgreSQL sets its columns NOT NULL with a scan under an exclusive lock`,
      );
    case 'CONSTR_EXCLUSION':
      return blocked('alter', 'an EXCLUDE constraint builds its index under a lock that blocks writers');
    default:
      return blocked('alter', `a constraint of the kind ${constraint.contype ?? 'unknown'} is not known to be online`);
  }
}

function addThenValidate({ schema, table, statement, constraint }: ConstraintAddition, facts: LiveFacts): Verdict {
  const target = `ALTER TABLE ${quoteQualified(schema, table)}`;
  const name = quoteIdentifier(constraint.conname ?? '');
  const undo = `${target} DROP CONSTRAINT ${name}`;
  if (constraint.skip_validation === true || constraint.initially_valid === false) {
    return brief('alter', statement, { undo });
  }
  if (constraint.is_enforced === false) return brief('alter', statement, { undo });
  if (facts.isPartitioned(schema, table) && constraint.contype === 'CONSTR_FOREIGN' && facts.serverMajor < 18) {
    return blocked(
      'alter',
      `a foreign key on the partitioned table ${schema}.${table} cannot be added NOT VALID before PostgreSQL 18`,
    );
  }
  return online('alter', [
    { kind: 'transaction', statement: `${statement} NOT VALID`, scans: false, undo },
    { kind: 'transaction', statement: `${target} VALIDATE CONSTRAINT ${name}`, scans: true, undo: null },
  ]);
}

function addUnique({ schema, table, constraint }: ConstraintAddition, facts: LiveFacts): Verdict {
  const name = constraint.conname ?? '';
  if (facts.isPartitioned(schema, table)) {
    return blocked('alter', `a unique index on the partitioned table ${schema}.${table} cannot be built concurrently`);
  }
  if (constraint.without_overlaps === true || (constraint.options ?? []).length > 0) {
    return blocked(
      'alter',
      `UNIQUE constraint ${name} uses WITHOUT OVERLAPS or storage options, which USING INDEX cannot express`,
    );
  }
  const columns = strings(constraint.keys).map(quoteIdentifier).join(', ');
  const including = strings(constraint.including);
  const tail =
    (including.length > 0 ? ` INCLUDE (${including.map(quoteIdentifier).join(', ')})` : '') +
    (constraint.nulls_not_distinct === true ? ' NULLS NOT DISTINCT' : '');
  const index = quoteIdentifier(name);
  const on = `${quoteQualified(schema, table)} USING btree (${columns})${tail}`;
  const timing =
    (constraint.deferrable === true ? ' DEFERRABLE' : '') +
    (constraint.initdeferred === true ? ' INITIALLY DEFERRED' : '');
  return online('alter', [
    {
      kind: 'build_index',
      statement: `CREATE UNIQUE INDEX CONCURRENTLY ${index} ON ${on}`,
      schema,
      index: name,
      definition: `CREATE UNIQUE INDEX ${index} ON ${on}`,
    },
    {
      kind: 'transaction',
      statement: `ALTER TABLE ${quoteQualified(schema, table)} ADD CONSTRAINT ${index} UNIQUE USING INDEX ${index}${timing}`,
      scans: false,
      undo: null,
    },
  ]);
}

/** SET NOT NULL: a NOT VALID constraint that is validated while writers go on. */
export function setNotNull(
  { schema, table, column, statement }: { schema: string; table: string; column: string; statement: string },
  facts: LiveFacts,
): Verdict {
  if (facts.isNewTable(schema, table)) return brief('alter', statement);
  const target = `ALTER TABLE ${quoteQualified(schema, table)}`;
  const pending = facts.unvalidatedNotNull(schema, table, column);
  if (pending !== null) {
    return online('alter', [
      {
        kind: 'transaction',
        statement: `${target} VALIDATE CONSTRAINT ${quoteIdentifier(pending)}`,
        scans: true,
        undo: null,
      },
    ]);
  }
  const name = quoteIdentifier(notNullConstraintName(table, column));
  const drop = `${target} DROP CONSTRAINT ${name}`;
  const validate = {
    kind: 'transaction',
    statement: `${target} VALIDATE CONSTRAINT ${name}`,
    scans: true,
    undo: null,
  } as const;
  const add = (definition: string) =>
    ({
      kind: 'transaction',
      statement: `${target} ADD CONSTRAINT ${name} ${definition} NOT VALID`,
      scans: false,
      undo: drop,
    }) as const;
  if (facts.serverMajor >= 18) return online('alter', [add(`NOT NULL ${quoteIdentifier(column)}`), validate]);
  // Before 18, SET NOT NULL skips its scan when a validated CHECK proves that there is no null.
  return online('alter', [
    add(`CHECK (${quoteIdentifier(column)} IS NOT NULL)`),
    validate,
    {
      kind: 'transaction',
      statement,
      scans: false,
      undo: `${target} ALTER COLUMN ${quoteIdentifier(column)} DROP NOT NULL`,
    },
    { kind: 'transaction', statement: drop, scans: false, undo: null },
  ]);
}

/** The name that PostgreSQL itself would choose, within its limit of 63 bytes. */
function notNullConstraintName(table: string, column: string): string {
  const suffix = '_not_null';
  const name = `${table}_${column}${suffix}`;
  if (Buffer.byteLength(name) <= 63) return name;
  return `${Buffer.from(`${table}_${column}`)
    .subarray(0, 63 - suffix.length)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}${suffix}`;
}
