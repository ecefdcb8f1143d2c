import { describe, expect, it } from 'vitest';
import { isFreeTypeChange } from '../../engine/postgres/planning/column-rule.js';

describe('a change of type', () => {
  it.each([
    ['character varying(10)', 'character varying(20)'],
    ['character varying(10)', 'character varying'],
    ['character varying(10)', 'text'],
    ['character varying', 'text'],
    ['text', 'character varying'],
    ['numeric(10,2)', 'numeric(12,2)'],
    ['numeric(10,2)', 'numeric'],
    ['bit varying(8)', 'bit varying(16)'],
  ])('from %s to %s touches no row', (from, to) => {
    expect(isFreeTypeChange(from, to)).toBe(true);
  });
  it.each([
    ['character varying(20)', 'character varying(10)'],
    ['text', 'character varying(10)'],
    ['numeric(10,2)', 'numeric(12,3)'],
    ['numeric(12,2)', 'numeric(10,2)'],
    ['numeric', 'numeric(10,2)'],
    ['integer', 'bigint'],
    ['text', 'integer'],
    ['timestamp with time zone', 'timestamp without time zone'],
    ['character(10)', 'character(20)'],
    ['unknown', 'unknown'],
  ])('from %s to %s is not known to be free', (from, to) => {
    expect(isFreeTypeChange(from, to)).toBe(false);
  });
});
