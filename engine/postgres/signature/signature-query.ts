import { OTHERS, ROUTINES, SCHEMAS, SEQUENCES, STATISTICS, TYPES } from './object-queries.js';
import { columns, CONSTRAINTS, INDEXES, POLICIES, RELATIONS, RULES, TRIGGERS } from './relation-queries.js';

/** What the printing of definitions depends on: fixed, so that two sessions print one text. */
export const SETTINGS: Readonly<Record<string, string>> = {
  search_path: '',
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  quote_all_identifiers: 'off',
  // Not what is printed, but how long it takes: one plan does for every list of namespaces.
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
};

/**
 * The second reading of a database's catalogues, as one query. It shares nothing with the library that plans, so that the
 * one sees what the other does not: a plan is only as good as the reading it was made from, and must not be verified by it.
 *
 * Each query gives rows of (kind, namespace, object, part, facts): `facts` is a JSON object of texts, in which what is
 * absent, or has the value that PostgreSQL gives by itself, is left out. `$1` is the list of namespaces. Left out are
 * members of extensions, owners, privileges, roles, publications and tablespaces, which are not managed, and the order of
 * columns. Reads PostgreSQL 14 and newer. The session's settings are those of `SETTINGS`.
 */
export function signatureQuery(serverMajor: number): string {
  return [
    RELATIONS,
    columns(serverMajor),
    CONSTRAINTS,
    INDEXES,
    TRIGGERS,
    POLICIES,
    RULES,
    ROUTINES,
    TYPES,
    SEQUENCES,
    STATISTICS,
    SCHEMAS,
    OTHERS,
  ].join('\nUNION ALL');
}
