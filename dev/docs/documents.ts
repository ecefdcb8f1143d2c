import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandBlocks } from './command-tables.js';
import { controlBlocks } from './control-tables.js';
import { failureBlocks } from './failure-tables.js';
import { type Blocks, fillBlocks } from './markdown.js';
import { scenarioBlocks } from './scenario-tables.js';
import { stateBlocks } from './state-tables.js';

/** A document whose tables are printed from the code. */
export interface PrintedDocument {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** Prints every table into the text around it, and changes nothing on disk. */
export async function printDocuments(root: string): Promise<readonly PrintedDocument[]> {
  const documents: readonly (readonly [path: string, blocks: Blocks])[] = [
    ['docs/states.md', stateBlocks()],
    ['docs/controls.md', controlBlocks()],
    ['docs/failures.md', failureBlocks(root)],
    ['docs/cli.md', await commandBlocks()],
    ['docs/scenarios.md', scenarioBlocks()],
  ];
  return documents.map(([path, blocks]) => {
    const before = readFileSync(join(root, path), 'utf8');
    return { path, before, after: fillBlocks(before, blocks) };
  });
}
