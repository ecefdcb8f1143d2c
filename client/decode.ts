import type { Client } from '@temporalio/client';
import { decode } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { UNREADABLE } from '../domain/parse-message.js';

export type Payloads = Parameters<typeof decode>[1] | null | undefined;

/**
 * The values that stand in a history. What a stranger sent may be anything, also bytes that are no JSON: such a value is
 * `UNREADABLE`, as it is for the workflow. Rejects only when a codec does.
 */
export async function decodePayloads(client: Client, payloads: Payloads): Promise<readonly unknown[]> {
  const { payloadConverter, payloadCodecs } = client.options.loadedDataConverter;
  const decoded = await decode(payloadCodecs, payloads ?? []);
  return decoded.map((payload): unknown => {
    try {
      return payloadConverter.fromPayload(payload);
    } catch {
      return UNREADABLE;
    }
  });
}
