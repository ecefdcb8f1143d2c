/** Makes the compiler refuse a `switch` that misses a case, and fails loudly where unchecked data got past it. */
export function assertNever(value: never, subject: string): never {
  throw new Error(`${subject}: no rule for ${JSON.stringify(value)}`);
}

/** States a condition that only a programming error can break. It stays on in production. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
