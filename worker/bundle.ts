import { mkdir, rename, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';

/** Where the compiled product keeps its workflow bundle: beside this file, so that worker and bundle are of one build. */
export const WORKFLOW_BUNDLE_PATH = fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));

/** The bundled workflow code, as it runs in a worker. Takes about a second. */
export async function bundleWorkflows(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: sourceOf('index.js'),
    workflowInterceptorModules: [sourceOf('unreadable.js')],
    logger: new DefaultLogger('WARN'),
  });
  return code;
}

/** Makes the bundle once, at build time, so that no worker needs a bundler or a second to start. */
export async function writeWorkflowBundle(path: string = WORKFLOW_BUNDLE_PATH): Promise<void> {
  const code = await bundleWorkflows();
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, code);
  await rename(unfinished, path);
}

/** A module of the compiled workflows, or of the sources when this runs from source. */
function sourceOf(file: 'index.js' | 'unreadable.js'): string {
  const compiled = fileURLToPath(new URL(`../workflows/${file}`, import.meta.url));
  return existsSync(compiled) ? compiled : compiled.replace(/\.js$/, '.ts');
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  await writeWorkflowBundle();
