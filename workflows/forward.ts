import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/contract.js';
import type { OperationMemory } from './operation-memory.js';
import { callOptions } from './options.js';

/** A call that moves the engine forward. Null when a halt took it back before there was an answer. */
export async function forward<Answer>(
  memory: OperationMemory,
  call: (calls: Activities) => Promise<Answer>,
): Promise<Answer | null> {
  try {
    return await memory.forward.run(() => call(proxyActivities<Activities>(callOptions(memory.input.queue))));
  } catch (error) {
    if (memory.isHalted) return null;
    throw error;
  }
}
