const NAME_BYTES_MAX = 63;

/**
 * Whether PostgreSQL itself would give this name to the NOT NULL constraint of a column: `table_column_not_null`, with a
 * number where that is taken, and cut to 63 bytes by shortening the longer of the two names first.
 */
export function isAutomaticNotNullName(name: string, { table, column }: { table: string; column: string }): boolean {
  const label = /not_null\d*$/.exec(name)?.[0];
  return label !== undefined && name === objectName(table, column, label);
}

/** As `makeObjectName` of PostgreSQL. */
function objectName(first: string, second: string, label: string): string {
  const room = NAME_BYTES_MAX - Buffer.byteLength(label) - 2;
  let [firstBytes, secondBytes] = [Buffer.byteLength(first), Buffer.byteLength(second)];
  while (firstBytes + secondBytes > room) {
    if (firstBytes > secondBytes) firstBytes -= 1;
    else secondBytes -= 1;
  }
  return `${clip(first, firstBytes)}_${clip(second, secondBytes)}_${label}`;
}

/** The first bytes of a name, never a part of a character. */
function clip(name: string, bytes: number): string {
  return Buffer.from(name)
    .subarray(0, bytes)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}
