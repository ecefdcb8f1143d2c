import { describe, expect, it } from 'vitest';
import { checkDrift } from '../../engine/calls/drift.js';
import type { ReviewedChange } from '../../engine/change.js';

function change(ddl: string, namespace = 'public'): ReviewedChange {
  return { namespace, table: 't', kind: 'alter', ddl };
}

const [A, B, C] = [change('A'), change('B'), change('C')];

describe('a reviewed plan against what would have to change now', () => {
  it('matches when they are the same', () => {
    expect(checkDrift([A, B], [A, B], new Set())).toEqual({ kind: 'matches', done: [] });
    expect(checkDrift([], [], new Set())).toEqual({ kind: 'matches', done: [] });
  });
  it('matches when this engine did the missing part itself, which then has nothing left to do', () => {
    const check = checkDrift([A, B], [B], new Set(['A']));
    expect(check).toEqual({ kind: 'matches', done: [A] });
  });
  it('matches when all of it was done here', () => {
    expect(checkDrift([A], [], new Set(['A']))).toEqual({ kind: 'matches', done: [A] });
  });
  it('does not mind the order between namespaces, which the wire does not keep', () => {
    const [first, second] = [change('X', 'app'), change('Y', 'audit')];
    expect(checkDrift([first, second], [second, first], new Set()).kind).toBe('matches');
  });
  it.each([
    ['something is missing that nobody here did', [A, B], [B], []],
    ['something is new', [A], [A, B], []],
    ['something else would be done', [A], [B], []],
    ['the order differs', [A, B], [B, A], []],
    ['what was done here has been undone and more besides', [A], [A, C], ['A']],
    ['the reviewed plan was empty', [], [A], []],
  ])('has drifted when %s', (_case, reviewed, current, done) => {
    const check = checkDrift(reviewed, current, new Set(done));
    expect(check.kind).toBe('drifted');
    if (check.kind === 'drifted') expect(check.message).toMatch(/^reviewed: .*; now it would be: /);
  });
  it('runs again what was done here and has been undone since', () => {
    expect(checkDrift([A, B], [A, B], new Set(['A']))).toEqual({ kind: 'matches', done: [] });
  });
});
