import { proxyActivities } from '@temporalio/workflow';
import type { Activities, CutoverAnswer, RevertAnswer } from '../activities/contract.js';
import { forward } from './forward.js';
import type { OperationMemory, WindowControl } from './operation-memory.js';
import { callOptions } from './options.js';

/** Permits the cutover on the engine. Null when a halt took it back before there was an answer. */
export function cutOver(memory: OperationMemory): Promise<CutoverAnswer | null> {
  return forward(memory, (calls) => calls.cutover(memory.remoteInput));
}

/**
 * Asks the engine what a person wants of the revert window. No forward call: a revert undoes, and giving the window up
 * only ends a wait, so a stop takes neither back (I2).
 */
export function askWindow(memory: OperationMemory, control: WindowControl): Promise<RevertAnswer> {
  const calls = proxyActivities<Activities>(callOptions(memory.input.queue));
  return control === 'revert' ? calls.revert(memory.remoteInput) : calls.skipRevert(memory.remoteInput);
}
