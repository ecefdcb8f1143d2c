/** A table in the form that the formatter leaves alone: every column as wide as its widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[], filler: string) =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width, filler)).join(' | ')} |`;
  const [first = [], ...others] = cells.map((row) => line(row, ' '));
  return [first, line([], '-'), ...others].join('\n');
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** What is printed into one document, by the name of the place. */
export type Blocks = Readonly<Record<string, string>>;

/**
 * Replaces what stands between `<!-- printed: name -->` and `<!-- end -->`. Throws when a place has nothing to hold, or
 * something has no place: a document and its printer must not drift apart.
 */
export function fillBlocks(document: string, blocks: Blocks): string {
  const filled = new Set<string>();
  const text = document.replace(
    /(<!-- printed: ([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_all, begin: string, name: string, end: string) => {
      const block = blocks[name];
      if (block === undefined) throw new Error(`nothing is printed under the name ${name}`);
      filled.add(name);
      return `${begin}\n${block}\n\n${end}`;
    },
  );
  const homeless = Object.keys(blocks).filter((name) => !filled.has(name));
  if (homeless.length > 0)
    throw new Error(`no place for ${homeless.join(', ')}: add <!-- printed: ${homeless[0]} --> and <!-- end -->`);
  return text;
}
