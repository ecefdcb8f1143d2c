/** What an engine says it would do, in the words of the domain. Plain JSON: it travels in workflow histories. */

/** One statement of a plan. The order of a plan's changes is the order of execution (engine contract E11). */
export interface TableChange {
  readonly namespace: string;
  readonly table: string;
  readonly ddl: string;
  /** The wire's word in lower case without prefix, such as `alter` or `create_index`; `unknown(<n>)` for a number not in our contract. */
  readonly changeType: string;
  /** The engine refuses it unless the apply allows unsafe changes. */
  readonly unsafe: boolean;
  readonly unsafeReason: string;
  /** The engine refuses it whatever the options (`execution_mode="blocked"`). */
  readonly blocked: boolean;
  readonly modeReason: string;
  /**
   * Rows of its table, as the engine estimates; null where it does not say. Differs from one deployment to the next, so it
   * is shown, and never compared.
   */
  readonly estimatedRows: string | null;
}

/** A finding of the engine's linter. Severity `error` blocks unless unsafe changes are allowed. */
export interface LintViolation {
  readonly message: string;
  readonly table: string;
  readonly severity: string;
}

/** What an earlier, unfinished change left on the target, and what an apply would do with it (engine contract 2.2). */
export interface Leftover {
  readonly namespace: string;
  readonly tables: readonly string[];
  readonly disposition: string;
  readonly reason: string;
  readonly ageSeconds: string;
}

/** An engine's answer to PlanDiff: the difference between the desired schema and the live one. */
export interface PlanDifference {
  readonly engine: string;
  readonly changes: readonly TableChange[];
  readonly lintViolations: readonly LintViolation[];
  /** Problems in the schema files. Not empty: there is no plan. */
  readonly errors: readonly string[];
  readonly leftovers: readonly Leftover[];
}

/** An engine's answer to Plan: the difference, and the id under which that engine stored it. */
export interface Plan extends PlanDifference {
  readonly planId: string;
}

/** Desired schema: files by name, by namespace. */
export type SchemaFiles = Readonly<Record<string, Readonly<Record<string, string>>>>;
