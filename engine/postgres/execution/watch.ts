import { raisePercent, noteStep } from '../storage/steps.js';
import { readInterrupt } from '../storage/controls.js';
import type { Blocker } from '../storage/blocker.js';
import { describeBlocker, readActivity } from './activity.js';
import type { ExecutionContext } from './context.js';
import { percentOfIndexBuild } from './percent.js';
import { Wake } from './wake.js';

const LOOK_INTERVAL_MS = 250;

export interface WatchedStatement {
  readonly applyId: string;
  readonly position: number;
}

/**
 * Runs a long statement of the fenced session and looks on through another connection: a recorded stop or cancel cancels
 * the statement, the percent is kept, and who blocks it is noted. Rejects with the statement's error.
 */
export async function watched<T>(
  context: ExecutionContext,
  statement: WatchedStatement,
  run: () => Promise<T>,
): Promise<T> {
  const ended = new Wake();
  const ending = new AbortController();
  const unsubscribe = context.wake.subscribe(() => ended.notify());
  const looking = (async () => {
    await ended.wait(LOOK_INTERVAL_MS);
    while (!ending.signal.aborted) {
      // A look that fails says nothing about the statement; the next one may succeed.
      await look(context, statement).catch((error: unknown) => {
        context.logger.debug({ err: error }, 'could not look at the running statement');
      });
      if (!ending.signal.aborted) await ended.wait(LOOK_INTERVAL_MS);
    }
  })();
  try {
    return await run();
  } finally {
    ending.abort();
    unsubscribe();
    ended.notify();
    // A cancel that is on its way must not meet whatever the session runs next.
    await looking;
  }
}

async function look(context: ExecutionContext, { applyId, position }: WatchedStatement): Promise<void> {
  if ((await readInterrupt(context.pool, applyId)) !== null) {
    // Repeated until the statement has ended, because a cancel before its first moment is lost.
    await context.pool.query('SELECT pg_cancel_backend($1)', [context.session.pid]);
  }
  const activity = await readActivity(context.pool);
  if (activity === null) return;
  if (activity.indexBuild !== null) {
    await raisePercent(context.pool, applyId, position, percentOfIndexBuild(activity.indexBuild));
  }
  const blocker = activity.blockers[0] ?? null;
  const phase = activity.indexBuild?.phase ?? 'waiting for lock';
  await noteStep(context.pool, applyId, position, {
    text: blocker === null ? '' : `${phase}, blocked by ${describeBlocker(blocker)}`,
    blocker,
  });
}

/**
 * Runs a statement that waits for its lock no longer than a moment, and says who held the lock if it was not given. The
 * look happens half-way through the wait: later there is nothing to see.
 */
export async function observedLockWait<T>(
  context: ExecutionContext,
  lockTimeoutMs: number,
  run: () => Promise<T>,
): Promise<{ readonly result: T } | { readonly error: unknown; readonly blocker: Blocker | null }> {
  let blocker: Blocker | null = null;
  let looked: Promise<void> = Promise.resolve();
  const timer = setTimeout(() => {
    looked = readActivity(context.pool).then(
      (activity) => {
        blocker = activity?.blockers[0] ?? null;
      },
      () => undefined,
    );
  }, lockTimeoutMs / 2);
  try {
    return { result: await run() };
  } catch (error) {
    await looked;
    return { error, blocker };
  } finally {
    clearTimeout(timer);
    await looked;
  }
}
