import type { Client } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { expect, it } from 'vitest';
import { openStage } from '../support/stage.js';
import { writeHistories } from './histories.js';
import type { ApplyRunId } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

/**
 * Records the golden histories anew: `npm run record`. To be run when a new sequence of commands is meant, before it has
 * been released; a released one is changed with `patched`, and its histories stay.
 */
const stage = await openStage({ timings: { verifyAgainMs: 100, missingAgainMs: 100 } });

it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('records %s', async (name, scenario) => {
  const scene = await stage.scene(scenario.deployments, { ...scenario.options, database: name });
  const runs = await scenario.play(scene);
  const histories = await collect(scene.client, runs, scenario.deployments.length > CHILDREN_MAX);
  expect(histories.size).toBeGreaterThan(0);
  await writeHistories(name, histories);
});

/** In a wide apply the children are alike, so only the apply itself is kept. */
const CHILDREN_MAX = 10;

async function collect(client: Client, runs: readonly ApplyRunId[], applyOnly: boolean): Promise<Map<string, History>> {
  const histories = new Map<string, History>();
  // After a reset two runs of an apply have the same operations.
  const seen = new Set<string>();
  const add = (kind: string, history: History) => {
    const count = [...histories.keys()].filter((name) => name.startsWith(`${kind}-`)).length;
    histories.set(`${kind}-${count + 1}`, history);
  };
  for (const run of runs) {
    const history = await client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
    add('apply', history);
    for (const child of applyOnly ? [] : childrenOf(history)) {
      if (seen.has(child.runId)) continue;
      seen.add(child.runId);
      const [, , deployment = ''] = child.workflowId.split('/');
      add(deployment, await client.workflow.getHandle(child.workflowId, child.runId).fetchHistory());
    }
  }
  return histories;
}

function childrenOf(history: History): readonly ApplyRunId[] {
  return (history.events ?? []).flatMap((event) => {
    const { workflowId, runId } = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution ?? {};
    return workflowId == null || runId == null ? [] : [{ workflowId, runId }];
  });
}
