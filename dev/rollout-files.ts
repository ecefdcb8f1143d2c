import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** A rollout.yaml and the schema folder it names, as a person would have them in a repository. */
export interface RolloutFiles {
  readonly folder: string;
  readonly database: string;
  /** Default `demo`. */
  readonly environment?: string;
  readonly deployments: readonly { readonly name: string; readonly target: string }[];
  /** The `rollout` part of the file. */
  readonly rollout: Readonly<Record<string, unknown>>;
  /** File name to desired SQL, all of it in the namespace `public`. */
  readonly schema: Readonly<Record<string, string>>;
}

/** Writes them and gives the path of rollout.yaml and its text. */
export async function writeRolloutFiles(
  files: RolloutFiles,
): Promise<{ readonly path: string; readonly text: string }> {
  const schemaFolder = join(files.folder, 'schema', 'public');
  await mkdir(schemaFolder, { recursive: true });
  for (const [name, sql] of Object.entries(files.schema)) await writeFile(join(schemaFolder, name), sql);
  const text = stringify({
    database: files.database,
    type: 'postgres',
    environment: files.environment ?? 'demo',
    schema: './schema',
    deployments: files.deployments,
    rollout: files.rollout,
  });
  const path = join(files.folder, 'rollout.yaml');
  await writeFile(path, text);
  return { path, text };
}
