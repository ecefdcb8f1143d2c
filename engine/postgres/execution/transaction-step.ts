import type { Step } from '../planning/change.js';
import { beginStep, finishStep, noteStep } from '../storage/steps.js';
import { inSessionTransaction, type ExecutionContext } from './context.js';
import { observedLockWait, watched } from './watch.js';
import { carryRights, mayMakeAnew, readRights } from './kept-rights.js';
import type { StepAttempt, StepOutcome } from './step-attempt.js';

type Session = ExecutionContext['session']['client'];

/** Writers wait no longer than this behind a brief step that waits for its own lock. */
export const LOCK_TIMEOUT_MS = 100;
/** A step that is called brief is cut off after this: if it is not brief, it must not hold its lock. */
const BRIEF_TIMEOUT_MS = 5_000;

/**
 * One attempt at a step whose statement and done mark commit together. So it is done exactly once: whether a lost
 * connection came before or after the commit is answered by the mark itself.
 */
export async function attemptTransaction(
  context: ExecutionContext,
  attempt: StepAttempt,
  step: Extract<Step, { kind: 'transaction' }>,
): Promise<StepOutcome> {
  const { applyId, position } = attempt;
  await beginStep(context.session.client, applyId, position);
  const run = () =>
    inSessionTransaction(context, async (client) => {
      await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
      if (step.scans) {
        // The mark comes last: until then others write down how far this is.
        await runKeepingRights(client, applyId, step.statement);
        await markDone(client, attempt);
      } else {
        // The mark comes first, so that the table is locked for the statement and the commit and nothing else.
        await client.query(`SET LOCAL statement_timeout = ${BRIEF_TIMEOUT_MS}`);
        await markDone(client, attempt);
        await runKeepingRights(client, applyId, step.statement);
      }
    });
  const ran = await observedLockWait(context, LOCK_TIMEOUT_MS, () =>
    step.scans ? watched(context, { applyId, position }, run) : run(),
  );
  return 'result' in ran ? { kind: 'done' } : { kind: 'error', error: ran.error, blocker: ran.blocker };
}

/** What a statement drops and creates again keeps its owner and its privileges, which no plan names. */
async function runKeepingRights(client: Session, applyId: string, statement: string): Promise<void> {
  if (!mayMakeAnew(statement)) {
    await client.query(statement);
    return;
  }
  const before = await readRights(client, statement);
  await client.query(statement);
  await carryRights(client, { applyId, before, statement });
}

async function markDone(client: Session, { applyId, position }: StepAttempt): Promise<void> {
  if (await finishStep(client, applyId, position)) return;
  throw new Error(`step ${position} of ${applyId} was already done: its statement has been rolled back`);
}

/** Runs the undo of a step and takes its mark back, in one transaction. */
export async function attemptUndo(
  context: ExecutionContext,
  attempt: Pick<StepAttempt, 'applyId' | 'position'>,
  undo: string,
  takeMarkBack: (client: Session) => Promise<void>,
): Promise<StepOutcome> {
  const ran = await observedLockWait(context, LOCK_TIMEOUT_MS, () =>
    inSessionTransaction(context, async (client) => {
      await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await client.query(undo);
      await takeMarkBack(client);
    }),
  );
  if ('result' in ran) return { kind: 'done' };
  await noteStep(context.session.client, attempt.applyId, attempt.position, {
    text: `taking back: ${undo}`,
    blocker: ran.blocker,
  });
  return { kind: 'error', error: ran.error, blocker: ran.blocker };
}
