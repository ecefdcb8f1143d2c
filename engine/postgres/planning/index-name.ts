/** Ends the name of an index that is built beside the one it is going to replace. */
const SUFFIX = '_skein_new';
const NAME_BYTES_MAX = 63;

/** The name under which the successor of an index is built. */
export function successorName(index: string): string {
  const room = Buffer.from(index)
    .subarray(0, NAME_BYTES_MAX - SUFFIX.length)
    .toString('utf8');
  // A character that was cut in two is left out.
  return `${room.replace(/\uFFFD+$/, '')}${SUFFIX}`;
}

/** Whether an index is such a successor: the engine's own, and no part of any desired schema. */
export function isSuccessorName(index: string): boolean {
  return index.endsWith(SUFFIX);
}
