import { DEFAULT_QUEUE } from '../domain/ids.js';
import { listNames } from '../domain/listing.js';
import type { DeploymentLogs, EngineLog, LogsInput, LogsResult } from '../domain/log.js';
import type { ApplySpec } from '../domain/spec.js';
import { LOGS_WORKFLOW } from '../workflows/messages.js';
import type { Connected } from './connect.js';
import { SkeinError } from './errors.js';
import { describeRun, readInput } from './run.js';
import { runShortWorkflow } from './short-workflow.js';
import { readStatus } from './status.js';

export interface LogsOptions {
  /** Only these deployments. Default: all that have a remote apply. */
  readonly deployments?: readonly string[];
  /** Lines per deployment, the newest; 1 to 1,000. Default 100. */
  readonly limit?: number;
}

/**
 * Reads the engines' own logs of the remote applies of an apply, by a short workflow, because only workers can reach
 * engines. A deployment that was never dispatched has none and is left out.
 */
export async function readLogs(
  connection: Connected,
  apply: string,
  options: LogsOptions = {},
): Promise<readonly DeploymentLogs[]> {
  const { client, place } = connection;
  const run = await describeRun(client, apply);
  const [{ spec }, status] = await Promise.all([readInput(client, run), readStatus(client, apply)]);
  refuseUnknown(apply, spec, options.deployments ?? []);
  const named = options.deployments ?? spec.deployments.map(({ name }) => name);
  const operations = status.operations.flatMap(({ deployment, target, remoteApplyId }) => {
    if (remoteApplyId === null || !named.includes(deployment)) return [];
    const queue = spec.deployments.find(({ name }) => name === deployment)?.queue ?? DEFAULT_QUEUE;
    return [{ deployment, target, queue, remoteApplyId }];
  });
  if (operations.length === 0) return [];
  const { database, type, environment } = spec;
  const input: LogsInput = { database, type, environment, limit: options.limit ?? 100, operations };
  const { answers } = await runShortWorkflow<LogsResult>({
    client,
    place,
    type: LOGS_WORKFLOW,
    taskQueue: DEFAULT_QUEUE,
    callsQueues: operations.map(({ queue }) => queue),
    summary: `logs of ${apply}`,
    input,
  });
  return answers;
}

/** Lines that were not there before, oldest first; for following. `seen` remembers what was given out. */
export function newLines(
  answers: readonly DeploymentLogs[],
  seen: Set<string>,
): readonly { readonly deployment: string; readonly line: EngineLog }[] {
  const lines = answers.flatMap(({ deployment, logs }) => (logs ?? []).map((line) => ({ deployment, line })));
  return lines
    .filter(({ deployment, line }) => {
      const key = `${deployment}/${line.id}/${line.createdAt}/${line.message}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    })
    .toSorted((a, b) => a.line.createdAt.localeCompare(b.line.createdAt));
}

function refuseUnknown(apply: string, spec: ApplySpec, deployments: readonly string[]): void {
  const known = spec.deployments.map(({ name }) => name);
  const unknown = deployments.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new SkeinError(
      'refused',
      `apply ${apply} has no deployment ${unknown.join(', ')}; it has ${listNames(known)}`,
    );
}
