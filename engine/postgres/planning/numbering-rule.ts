import type { AlterTableCmd, Node } from 'libpg-query';
import type { LiveFacts } from './live-facts.js';
import { strings } from './sql.js';

/**
 * Why a column that is there already must not begin to number itself, or null where it does not. What would number it
 * begins at 1, below the numbers that its rows have, so that the next rows are refused as duplicates, or repeat them.
 */
export function numberingObstacle(
  { subtype, name = '', def }: AlterTableCmd,
  place: { readonly schema: string; readonly table: string },
  facts: LiveFacts,
): string | null {
  // A column that the plan adds has no numbers yet.
  if (facts.columnType(place.schema, place.table, name) === null) return null;
  const advice = 'do this by hand, with a start beyond the largest value';
  if (subtype === 'AT_AddIdentity') {
    return `column ${name} becomes an identity column: its sequence would begin at 1, below the values that the rows of ${place.schema}.${place.table} may have; ${advice}`;
  }
  const sequence = subtype === 'AT_ColumnDefault' && def !== undefined ? sequenceOfNextval(def) : null;
  if (sequence === null || facts.isSequence(sequence.schema, sequence.name)) return null;
  return `column ${name} takes its default from the new sequence ${sequence.schema}.${sequence.name}, which would begin at 1, below the values that the rows of ${place.schema}.${place.table} may have; ${advice}`;
}

/** The sequence of `nextval('schema.name'::regclass)`; null for any other expression. */
function sequenceOfNextval(expression: Node): { readonly schema: string; readonly name: string } | null {
  if (!('FuncCall' in expression) || strings(expression.FuncCall.funcname).at(-1) !== 'nextval') return null;
  const [argument] = expression.FuncCall.args ?? [];
  const constant = argument !== undefined && 'TypeCast' in argument ? argument.TypeCast.arg : argument;
  if (constant === undefined || !('A_Const' in constant)) return null;
  const names = namesIn(constant.A_Const.sval?.sval ?? '');
  return { schema: names.at(-2) ?? '', name: names.at(-1) ?? '' };
}

/** The parts of a qualified name, such as `public."Odd name"`. */
function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"]|"")*)"|([^."]+)/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '',
  );
}
