import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cwd, stdout } from 'node:process';
import { printDocuments } from './documents.js';

/** `npm run docs`: prints the tables of the documents from the code. npm starts it at the root of the repository. */
for (const { path, before, after } of await printDocuments(cwd())) {
  if (before !== after) writeFileSync(join(cwd(), path), after);
  stdout.write(`${path}: ${before === after ? 'up to date' : 'printed anew'}\n`);
}
