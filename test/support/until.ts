import { setTimeout as delay } from 'node:timers/promises';

/** Asks again and again until there is an answer that is neither null nor false; rejects at the deadline, showing the last error. */
export async function until<Value>(
  ask: () => Promise<Value | null | false> | Value | null | false,
  deadlineMs = 15_000,
): Promise<Value> {
  const deadline = Date.now() + deadlineMs;
  let last: unknown = 'it never was';
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== null && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    await delay(20);
  }
  throw new Error(`not within ${deadlineMs} ms: ${ask.toString()}`, { cause: last });
}
