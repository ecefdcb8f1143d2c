import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readSpecFile } from '../../client/spec-file.js';
import { readWorkerConfig } from '../../worker/config.js';

function example(name: string): string {
  return fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
}

test('the example spec is accepted, and the example worker knows an engine for each of its deployments', async () => {
  const { spec, schemaFiles } = await readSpecFile(example('rollout.yaml'));
  expect(Object.keys(schemaFiles)).toEqual(['public']);
  const { deployments } = readWorkerConfig(example('skein.yaml'));
  expect(Object.keys(deployments)).toEqual(spec.deployments.map(({ name }) => name));
});
