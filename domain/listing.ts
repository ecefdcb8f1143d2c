/** Most names written out; a message is for reading, and an apply has up to 1,000 deployments. */
const NAMES_MAX = 8;

/** `eu, us, ap`; of more than eight the first seven and how many there are. */
export function listNames(names: readonly string[]): string {
  return names.length > NAMES_MAX
    ? `${names.slice(0, NAMES_MAX - 1).join(', ')}, … (${names.length})`
    : names.join(', ');
}
