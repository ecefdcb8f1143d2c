import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { toSimulation } from '../../client/simulation.js';
import { readSpecFile } from '../../client/spec-file.js';
import { simulate } from '../../domain/simulate.js';
import { resolvePolicy } from '../../domain/spec.js';
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

test('the example with waves is accepted, has the numbers it speaks of, and ends as it says', async () => {
  const { spec } = await readSpecFile(example('rollout-in-waves.yaml'));
  const policy = resolvePolicy(spec);
  expect(policy).toMatchObject({ cutover: 'barrier', onFailure: 'halt', inFlight: 'finish' });
  expect(policy.waves.map(({ deployments, maxConcurrency }) => [deployments.length, maxConcurrency])).toEqual([
    [1, 1],
    [4, 2],
  ]);
  const simulated = (fail: readonly string[], approveAfterMs: number | null) => {
    const flags = {
      fail,
      duration: [],
      rowsPerSecond: 1,
      cutoverMs: 0,
      approveAfterMs,
      cutoverAfterMs: 0,
      controls: [],
    };
    const { input } = toSimulation({ spec, policy, plan: null, flags, refuse: (message) => expect.fail(message) });
    return simulate(input);
  };
  expect(simulated([], 0)).toMatchObject({ state: 'completed' });
  expect(simulated(['us-1@cutover'], 0)).toMatchObject({ state: 'failed' });
  const unanswered = simulated([], null);
  expect(unanswered).toMatchObject({ state: 'stopped', elapsedMs: (10 + 30 + 12 * 60) * 60_000 });
  expect(unanswered.operations.map(({ state }) => state)).toEqual(['completed', ...Array<string>(4).fill('stopped')]);
});
