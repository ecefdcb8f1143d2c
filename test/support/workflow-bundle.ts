import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflows } from '../../worker/bundle.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Everything that ends up in the bundle: our sources, and the SDK by way of the lock file. How it is made counts as well. */
const INGREDIENTS = ['workflows', 'domain'];

/** The bundle of the workflows as they are now. Made once per version of the sources, because it takes seconds. */
export async function testWorkflowBundle(): Promise<string> {
  const file = join(ROOT, '.skein', `workflow-bundle-${await digestOfSources()}.js`);
  if (existsSync(file)) return readFile(file, 'utf8');
  const code = await bundleWorkflows();
  const unfinished = `${file}.${process.pid}`;
  await mkdir(join(ROOT, '.skein'), { recursive: true });
  await writeFile(unfinished, code);
  await rename(unfinished, file);
  return code;
}

async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['package-lock.json', 'worker/bundle.ts']) hash.update(await readFile(join(ROOT, file)));
  for (const folder of INGREDIENTS) {
    const names = await readdir(join(ROOT, folder), { recursive: true });
    for (const name of names.filter((candidate) => candidate.endsWith('.ts')).toSorted()) {
      hash.update(`\n${folder}/${name}\n`).update(await readFile(join(ROOT, folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}
