import { defaultPayloadConverter } from '@temporalio/common';
import type { WorkflowInterceptors } from '@temporalio/workflow';
import { UNREADABLE } from '../domain/parse-message.js';

type Payloads = Parameters<typeof defaultPayloadConverter.fromPayload>[0][] | null | undefined;

/**
 * The SDK decodes the arguments of a signal or query before any handler is asked, and what cannot be decoded (another
 * encoding, half of a text) fails the workflow task, again and again, also with every stop that comes after it. So such
 * arguments are exchanged first, for the word that they cannot be read. Updates need none of it: the SDK refuses them,
 * with the reason, and they leave no trace. Part of the workflow bundle (worker/bundle.ts).
 */
export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      activate(input, next) {
        for (const { signalWorkflow, queryWorkflow } of input.activation.jobs ?? []) {
          exchangeUnreadable(signalWorkflow?.input);
          exchangeUnreadable(queryWorkflow?.arguments);
        }
        next(input);
      },
    },
  ],
});

function exchangeUnreadable(payloads: Payloads): void {
  payloads?.forEach((payload, index) => {
    if (!isReadable(payload)) payloads[index] = defaultPayloadConverter.toPayload(UNREADABLE);
  });
}

function isReadable(payload: NonNullable<Payloads>[number]): boolean {
  try {
    defaultPayloadConverter.fromPayload(payload);
    return true;
  } catch {
    return false;
  }
}
