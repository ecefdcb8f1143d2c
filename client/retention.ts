import type { Client } from '@temporalio/client';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';

/** How long closed runs last, per client: it does not change while a command runs. */
const known = new WeakMap<Client, Promise<number | null>>();

/** Retention of the namespace in milliseconds; null where this client may not ask. */
async function retentionMs(client: Client): Promise<number | null> {
  const asked = known.get(client) ?? askRetention(client);
  known.set(client, asked);
  return await asked;
}

async function askRetention(client: Client): Promise<number | null> {
  try {
    const answer = await client.workflowService.describeNamespace({ namespace: client.options.namespace });
    return optionalTsToMs(answer.config?.workflowExecutionRetentionTtl) ?? null;
  } catch {
    // Describing a namespace is an administrator's right in many places; the status is whole without it.
    return null;
  }
}

/** Until when a closed run can be resumed, ISO 8601; null for an open one and where the retention is not known. */
export async function resumableUntil(client: Client, closedAt: string | null): Promise<string | null> {
  if (closedAt === null) return null;
  const retention = await retentionMs(client);
  return retention === null ? null : new Date(Date.parse(closedAt) + retention).toISOString();
}
