/**
 * What the rules for single statements need to know about the database as it is. Everything else is read off the
 * statement itself.
 */
export interface LiveFacts {
  /** Such as 18. */
  readonly serverMajor: number;
  /** A table that this very plan creates: nobody reads or writes it yet. */
  readonly isNewTable: (schema: string, table: string) => boolean;
  readonly isPartitioned: (schema: string, table: string) => boolean;
  /** The table of an existing index, or null when there is no such index. */
  readonly tableOfIndex: (schema: string, index: string) => string | null;
  readonly isValidIndex: (schema: string, index: string) => boolean;
  /** The type of an existing column as format_type prints it, or null. */
  readonly columnType: (schema: string, table: string, column: string) => string | null;
  readonly hasDefault: (schema: string, table: string, column: string) => boolean;
  /**
   * What makes PostgreSQL scan or rebuild something when the type of this column changes although the rows need no
   * rewrite: a CHECK constraint, an index with an expression or a condition. Null when nothing does.
   */
  readonly typeChangeObstacle: (schema: string, table: string, column: string) => string | null;
  readonly isDomain: (schema: string, name: string) => boolean;
  /** A sequence that is there already, as opposed to one that this very plan creates. */
  readonly isSequence: (schema: string, name: string) => boolean;
  /** Name of a NOT NULL constraint that exists but has not been validated (PostgreSQL 18), or null. */
  readonly unvalidatedNotNull: (schema: string, table: string, column: string) => string | null;
}
