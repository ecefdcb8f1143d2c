import { describe, expect, it } from 'vitest';
import { assert, assertNever } from '../../domain/assert.js';

describe('an assertion', () => {
  it('stays on, and names what it is about', () => {
    expect(() => assert(false, 'the width is positive')).toThrow('assertion failed: the width is positive');
    expect(() => assert(true, 'never seen')).not.toThrow();
    const unchecked = 'sideways' as never; // what unchecked data may hold
    expect(() => assertNever(unchecked, 'direction')).toThrow('direction: no rule for "sideways"');
  });
});
