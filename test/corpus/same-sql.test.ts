import { describe, expect, it } from 'vitest';
import { isSameSql } from './same-sql.js';

const CAST = `CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))`;

describe('two definitions that PostgreSQL printed', () => {
  it.each([
    [CAST, `CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))`],
    ['CHECK ((((n >= 0) AND (n <= 9)) AND (m > 0)))', 'CHECK (((n >= 0) AND (n <= 9) AND (m > 0)))'],
    ['CREATE INDEX i ON public.t USING btree (a)', 'CREATE INDEX i ON public.t  USING btree (a)'],
    ['not even SQL', 'not even SQL'],
  ])('mean the same: %s', async (a, b) => {
    expect(await isSameSql(a, b)).toBe(true);
    expect(await isSameSql(b, a)).toBe(true);
  });

  it.each([
    [CAST, CAST.replace("'b'", "'c'")],
    ['CHECK (((a AND b) OR c))', 'CHECK ((a AND (b OR c)))'],
    ['CHECK ((NOT (NOT a)))', 'CHECK ((NOT a))'],
    ['CHECK ((a > 0))', 'CHECK ((a > 0)) NOT VALID'],
    ['not even SQL', 'nor this'],
    ['now()', 'clock_timestamp()'],
  ])('mean different things: %s', async (a, b) => {
    expect(await isSameSql(a, b)).toBe(false);
  });
});
