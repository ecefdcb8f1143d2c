import type { Step } from '../planning/change.js';
import { isSuccessorName } from '../planning/index-name.js';
import { parseStatement, quoteQualified } from '../planning/sql.js';
import { beginStep, finishStep } from '../storage/steps.js';
import { inSessionTransaction, type ExecutionContext } from './context.js';
import type { StepAttempt, StepOutcome } from './step-attempt.js';
import { LOCK_TIMEOUT_MS } from './transaction-step.js';
import { observedLockWait, watched } from './watch.js';

/** What the catalogue says about an index. It, not the memory of an attempt, decides what is done. */
export type IndexCondition =
  | { readonly kind: 'absent' }
  /** Left behind by a build or a drop that was cut short. */
  | { readonly kind: 'unfinished'; readonly definition: string }
  | { readonly kind: 'valid'; readonly definition: string };

export async function inspectIndex(context: ExecutionContext, schema: string, index: string): Promise<IndexCondition> {
  return inSessionTransaction(context, async (client) => {
    // Names in a definition are relative to the path; plans hold them as written under this one.
    await client.query(`SET LOCAL search_path = pg_catalog`);
    const { rows } = await client.query<{ valid: boolean; definition: string }>(
      `SELECT i.indisvalid AND i.indisready AND i.indislive AS valid, pg_get_indexdef(i.indexrelid) AS definition
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2`,
      [schema, index],
    );
    const [row] = rows;
    if (row === undefined) return { kind: 'absent' };
    return { kind: row.valid ? 'valid' : 'unfinished', definition: row.definition };
  });
}

/**
 * One attempt at CREATE INDEX CONCURRENTLY. It cannot share a transaction with its mark, so the catalogue is asked before
 * and after: a valid index with the planned definition is done, an unfinished one is dropped and built again. Never with
 * IF NOT EXISTS, which is content with an index that is not valid.
 */
export async function attemptIndexBuild(
  context: ExecutionContext,
  attempt: StepAttempt,
  step: Extract<Step, { kind: 'build_index' }>,
): Promise<StepOutcome> {
  const { applyId, position } = attempt;
  const { client } = context.session;
  let before = await inspectIndex(context, step.schema, step.index);
  if (before.kind === 'valid' && isSuccessorName(step.index) && !isSameIndex(before.definition, step.definition)) {
    // A successor of an earlier plan that never took over. The name is the engine's own, so is the index.
    try {
      await dropIndexBriefly(context, step.schema, step.index);
    } catch (error) {
      return { kind: 'error', error, blocker: null };
    }
    before = { kind: 'absent' };
  }
  if (before.kind === 'valid' && !isSameIndex(before.definition, step.definition)) {
    const error = new Error(`an index of that name exists with another definition: ${before.definition}`);
    return { kind: 'error', error, blocker: null };
  }
  if (before.kind === 'unfinished') {
    const dropped = await attemptDropUnfinished(context, step.schema, step.index);
    if (dropped.kind === 'error') return dropped;
  }
  if (before.kind !== 'valid') {
    await beginStep(client, applyId, position);
    try {
      await watched(context, { applyId, position }, () => client.query(step.statement));
    } catch (error) {
      return { kind: 'error', error, blocker: null };
    }
    const after = await inspectIndex(context, step.schema, step.index);
    if (after.kind !== 'valid') {
      const error = new Error(`the statement ended, but the index is ${after.kind} in the catalogue`);
      return { kind: 'error', error, blocker: null };
    }
  }
  await finishStep(client, applyId, position);
  return { kind: 'done' };
}

/** One attempt at DROP INDEX CONCURRENTLY. Absent is done. */
export async function attemptIndexDrop(
  context: ExecutionContext,
  attempt: StepAttempt,
  step: Extract<Step, { kind: 'drop_index' }>,
): Promise<StepOutcome> {
  const { applyId, position } = attempt;
  const { client } = context.session;
  const before = await inspectIndex(context, step.schema, step.index);
  if (before.kind !== 'absent') {
    await beginStep(client, applyId, position);
    try {
      await watched(context, { applyId, position }, () => client.query(step.statement));
    } catch (error) {
      return { kind: 'error', error, blocker: null };
    }
  }
  await finishStep(client, applyId, position);
  return { kind: 'done' };
}

/**
 * One attempt to drop what an interrupted build or drop left behind, under a lock that is waited for only a moment. An
 * index that is valid is never dropped here.
 */
export async function attemptDropUnfinished(
  context: ExecutionContext,
  schema: string,
  index: string,
): Promise<StepOutcome> {
  const ran = await observedLockWait(context, LOCK_TIMEOUT_MS, async () => {
    if ((await inspectIndex(context, schema, index)).kind !== 'unfinished') return;
    await dropIndexBriefly(context, schema, index);
  });
  return 'result' in ran ? { kind: 'done' } : { kind: 'error', error: ran.error, blocker: ran.blocker };
}

/** DROP INDEX under a lock that is waited for only a moment. */
export async function dropIndexBriefly(context: ExecutionContext, schema: string, index: string): Promise<void> {
  await inSessionTransaction(context, async (client) => {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await client.query(`DROP INDEX ${quoteQualified(schema, index)}`);
  });
}

/** Whether two CREATE INDEX texts mean the same index, however they quote and wherever they break lines. */
export function isSameIndex(left: string, right: string): boolean {
  return canonical(left) === canonical(right);
}

function canonical(statement: string): string {
  return JSON.stringify(parseStatement(statement), (key, value: unknown) =>
    key === 'location' || key === 'concurrent' ? undefined : value,
  );
}
