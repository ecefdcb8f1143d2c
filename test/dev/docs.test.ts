import { describe, expect, it } from 'vitest';
import { printDocuments } from '../../dev/docs/documents.js';
import { fillBlocks, table } from '../../dev/docs/markdown.js';
import { REPOSITORY_ROOT } from '../support/repository.js';

describe('the documents', () => {
  it('hold the tables of the code as they are: `npm run docs` prints them anew', async () => {
    const documents = await printDocuments(REPOSITORY_ROOT);
    expect(documents.map(({ path }) => path)).toEqual([
      'docs/states.md',
      'docs/controls.md',
      'docs/failures.md',
      'docs/cli.md',
      'docs/scenarios.md',
    ]);
    for (const { path, before, after } of documents) expect(before, `${path}: run npm run docs`).toBe(after);
  });
});

describe('printing into a document', () => {
  const place = '# Title\n\n<!-- printed: one -->\nold\n<!-- end -->\n\nrest\n';

  it('replaces what stands at the place, and leaves the rest alone', () => {
    const printed = fillBlocks(place, { one: 'new' });
    expect(printed).toBe('# Title\n\n<!-- printed: one -->\n\nnew\n\n<!-- end -->\n\nrest\n');
    expect(fillBlocks(printed, { one: 'new' })).toBe(printed);
  });

  it('refuses a place without a table, and a table without a place', () => {
    expect(() => fillBlocks(place, {})).toThrow('nothing is printed under the name one');
    expect(() => fillBlocks(place, { one: 'new', two: 'x' })).toThrow('no place for two');
  });

  it('keeps a bar inside a cell', () => {
    expect(table(['a'], [['b|c']])).toBe('| a    |\n| ---- |\n| b\\|c |');
  });
});
