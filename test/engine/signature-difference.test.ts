import { describe, expect, it } from 'vitest';
import { compareSignatures } from '../../engine/postgres/signature/signature-difference.js';
import type { SignatureEntry } from '../../engine/postgres/signature/signature.js';
import { type PlannedObject, unplannedChanges } from '../../engine/postgres/signature/unplanned.js';

function entry(kind: string, object: string, part: string | null, facts: Record<string, string> = {}): SignatureEntry {
  return { kind, namespace: 'public', object, part, facts };
}

function planned(object: string | null, part: string | null, ddl: string, made = false): PlannedObject {
  return { namespace: 'public', object, part, made, ddl };
}

function notNull(name: string): SignatureEntry {
  return entry('column', 't', 'k', { 'NOT NULL': 'yes', 'NOT NULL constraint': name });
}

function index(facts: Record<string, string>): SignatureEntry {
  return entry('index', 't', 't_k', { state: 'valid', ...facts });
}

const T = entry('relation', 't', null, { kind: 'table' });
const none = () => false;
const texts = (
  live: SignatureEntry[],
  desired: SignatureEntry[],
  plan: PlannedObject[] = [],
  isIgnored: (namespace: string, object: string) => boolean = none,
) => unplannedChanges(compareSignatures(live, desired, { isIgnored }), plan).map(({ ddl }) => ddl);

describe('two signatures', () => {
  it('are equal in any order', () => {
    const k = entry('column', 't', 'k', { type: 'text' });
    expect(texts([k, T], [T, k])).toEqual([]);
  });

  it('differ by property, in the words of both sides', () => {
    const live = entry('column', 't', 'c', { type: 'integer', 'generated kind': 'STORED' });
    const desired = entry('column', 't', 'c', { type: 'integer', 'generated kind': 'VIRTUAL', comment: 'x' });
    expect(texts([T, live], [T, desired])).toEqual([
      '-- public.t.c: comment is none, the files say x',
      '-- public.t.c: generated kind is STORED, the files say VIRTUAL',
    ]);
  });

  it('tell what is missing as a whole once', () => {
    const parts = [entry('column', 't', 'k'), entry('index', 't', 't_k')];
    expect(texts([], [T, ...parts])).toEqual(['-- public.t: relation is missing']);
  });

  it('leave out objects that only the target has, and tell parts that only it has', () => {
    const other = [entry('relation', 'o', null), entry('column', 'o', 'k')];
    const hand = entry('column', 't', 'hand', { type: 'text' });
    expect(texts([T, hand, ...other], [T])).toEqual(['-- public.t.hand: column is there, the files do not have it']);
  });

  it('leave out ignored tables and their sequences on both sides', () => {
    const sequence = entry('sequence', 't_id_seq', null, { options: 'a', 'owning table': 't' });
    expect(texts([], [T, entry('column', 't', 'k'), sequence], [], (_namespace, object) => object === 't')).toEqual([]);
  });

  it('take the name of a NOT NULL from the files only where they give one', () => {
    expect(texts([T, notNull('x')], [T, notNull('t_k_not_null')])).toEqual([]);
    expect(texts([T, notNull('x')], [T, notNull('k_is_there')])).toEqual([
      '-- public.t.k: NOT NULL constraint is x, the files say k_is_there',
    ]);
  });

  it('leave out the partitions that only the target has', () => {
    const wide = index({ 'index on partition public.a': 'valid', 'index on partition public.b': 'missing' });
    expect(texts([T, wide], [T, index({ 'index on partition public.a': 'valid' })])).toEqual([]);
  });

  it('tell a partition that only the files have once: it brings its index', () => {
    const b = entry('relation', 'b', null, { kind: 'table', parent: 'public.t' });
    const wide = index({ 'index on partition public.b': 'valid' });
    expect(texts([T, index({})], [T, wide, b])).toEqual(['-- public.b: relation is missing']);
    expect(texts([T, index({ 'index on partition public.b': 'missing' }), b], [T, wide, b])).toEqual([
      '-- public.t.t_k: index on partition public.b is missing, the files say valid',
    ]);
  });
});

describe('a difference', () => {
  const live = entry('column', 't', 'c', { type: 'integer', storage: 'PLAIN' });
  const desired = entry('column', 't', 'c', { type: 'bigint', storage: 'MAIN' });

  it('is planned for when a statement changes that very property', () => {
    const plan = [planned('t', 'c', 'ALTER TABLE t ALTER COLUMN c TYPE bigint')];
    expect(texts([T, live], [T, desired], plan)).toEqual(['-- public.t.c: storage is PLAIN, the files say MAIN']);
  });

  it('is planned for when the object or the part is made anew', () => {
    expect(texts([T, live], [T, desired], [planned('t', null, 'DROP TABLE t', true)])).toEqual([]);
    expect(texts([T, live], [T, desired], [planned('t', 'c', 'DROP COLUMN c', true)])).toEqual([]);
    expect(texts([T], [T, entry('index', 't', 'i')], [planned(null, 'i', 'CREATE INDEX i', true)])).toEqual([]);
  });

  it('is not planned for by a statement about the table, another part, or another namespace', () => {
    for (const other of [
      planned('t', null, 'ALTER TABLE t ENABLE ROW LEVEL SECURITY'),
      planned('t', 'd', 'ALTER TABLE t ADD COLUMN d text', true),
      { ...planned('t', null, 'DROP TABLE t', true), namespace: 'elsewhere' },
    ]) {
      expect(texts([T, live], [T, desired], [other])).toHaveLength(2);
    }
  });

  it('of an inherited column is planned for by a statement about it further up', () => {
    const heir = entry('relation', 'heir', null, { kind: 'table', 'tables above': '[["public","middle"]]' });
    const middle = entry('relation', 'middle', null, { kind: 'table', 'tables above': '[["public","t"]]' });
    const missing = entry('column', 'heir', 'm', { inherited: 'yes', type: 'text' });
    const add = [planned('t', 'm', 'ALTER TABLE t ADD COLUMN m text', true)];
    expect(texts([T, middle, heir], [T, middle, heir, missing], add)).toEqual([]);
    expect(texts([T, middle, heir], [T, middle, heir, missing])).toEqual(['-- public.heir.m: column is missing']);
  });

  it('has a text without effect, on one line, whatever names and values hold', () => {
    const evil = entry('column', 'a b', 'x\ny', { comment: 'one\nDROP TABLE t; \u001b[2J -- two' });
    const of = entry('relation', 'a b', null);
    const [text] = texts([of, entry('column', 'a b', 'x\ny')], [of, evil]);
    expect(text).toBe('-- public."a b"."x y": comment is none, the files say one DROP TABLE t; [2J -- two');
  });
});
