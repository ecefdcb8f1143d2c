import type { Client } from '@temporalio/client';
import type { ApplyInput, ApplyResult } from '../domain/apply.js';
import { type Resumption, resume } from '../domain/carry.js';
import { resolvePolicy } from '../domain/spec.js';
import { SkeinError } from './errors.js';
import { resultOfLastOperations } from './last-operations.js';
import { type ApplyRun, readEnd, readInput } from './run.js';
import { startNextRun } from './start-apply.js';
import { readInterruptedRun } from './status.js';

/** A new run of an apply that had closed. */
export interface ResumedApply {
  readonly apply: string;
  readonly runId: string;
  /** Deployments that go on or are attempted anew in it. */
  readonly deployments: readonly string[];
}

/**
 * Goes on with a closed apply in a new run of the same id: reads what the last run came to, lets the domain decide what
 * that means, and carries it over (design 3, Ids and runs). Rejects with `refused` and the domain's reason.
 */
export async function resumeApply(
  client: Client,
  run: ApplyRun,
  resumption: Resumption,
  by: string,
): Promise<ResumedApply> {
  const [input, previous] = await Promise.all([readInput(client, run), readPrevious(client, run, resumption)]);
  const resumed = resume({
    previous,
    policy: resolvePolicy(input.spec),
    resumption,
    by,
    at: new Date().toISOString(),
  });
  if (!resumed.ok) throw new SkeinError('refused', resumed.because);
  const next: ApplyInput = { ...input, carried: resumed.carried };
  const runId = await startNextRun(client, run.apply, next);
  const going = resumed.carried.operations.filter((operation) => operation.ended === null);
  return { apply: run.apply, runId, deployments: going.map((operation) => operation.deployment) };
}

/** What the last run came to; of one that closed without a result, what its operations came to. */
async function readPrevious(client: Client, run: ApplyRun, { control }: Resumption): Promise<ApplyResult> {
  const end = await readEnd(client, run);
  if (end.kind === 'result') return end.result;
  if (end.how === 'InvalidSpec') throw new SkeinError('refused', `apply ${run.apply} never began: ${end.message}`);
  // Its operations may still be going on, and a run that only leaves some of them out would not take the others over.
  if (control === 'skip')
    throw new SkeinError('refused', `apply ${run.apply} was interrupted; take it up with \`start ${run.apply}\` first`);
  const { view, operations } = await readInterruptedRun(client, run);
  return await resultOfLastOperations(client, view, operations);
}
