import { findApply, lockApply, setApplyState, type ApplyState } from '../storage/applies.js';
import { readInterrupt, settleControl, type ControlOperation } from '../storage/controls.js';
import { writeLog } from '../storage/logs.js';
import { failChange, readChanges, readSteps, type StoredStep } from '../storage/steps.js';
import { inSessionTransaction, type ExecutionContext } from './context.js';
import { runStep } from './run-step.js';
import { StepFailed } from './step-error.js';
import { takeBackChange } from './take-back.js';

/** A stop is over in about this long, also when something cannot be cleaned up at once. */
const STOP_CLEANUP_BUDGET_MS = 1_500;
/** A failed apply tries this long to leave nothing half-done, so that the same plan fits again for a retry. */
const FAILURE_CLEANUP_BUDGET_MS = 30_000;

/**
 * Carries the live apply of a target on, from the first step that is not done, until it rests or has ended. May be
 * entered again at any point after a crash: everything it needs is in the storage and the catalogue.
 */
export async function driveApply(context: ExecutionContext, applyId: string): Promise<void> {
  if ((await readInterrupt(context.session.client, applyId)) !== null) return interruptApply(context, applyId);
  await beginDriving(context, applyId);
  const changes = await readChanges(context.session.client, applyId);
  for (const step of await readSteps(context.session.client, applyId)) {
    if (step.state === 'done') continue;
    const change = changes[step.changePosition];
    if (change === undefined) throw new Error(`apply ${applyId}: step ${step.position} belongs to no change`);
    try {
      if ((await runStep(context, applyId, change, step)) === 'interrupted') return interruptApply(context, applyId);
    } catch (error) {
      if (error instanceof StepFailed) return failApply(context, applyId, step, error);
      throw error;
    }
    await writeLog(context.session.client, applyId, {
      level: 'info',
      event: 'step_done',
      changePosition: step.changePosition,
      message: `done: ${step.step.statement}`,
    });
  }
  await endApply(context, applyId, { state: 'completed', message: '' });
}

async function beginDriving(context: ExecutionContext, applyId: string): Promise<void> {
  await inSessionTransaction(context, async (client) => {
    const apply = await lockApply(client, applyId);
    await settleControl(client, { applyId, operation: 'start', status: 'completed' });
    if (apply === null || apply.state === 'running') return;
    await setApplyState(client, applyId, 'running');
    await writeTransition(client, applyId, apply.state, 'running', apply.state === 'pending' ? 'begins' : 'goes on');
  });
}

/** Carries a recorded stop or cancel out. What had been completed before it came stays completed. */
async function interruptApply(context: ExecutionContext, applyId: string): Promise<void> {
  const interrupt = await readInterrupt(context.session.client, applyId);
  if (interrupt === null) return;
  const steps = await readSteps(context.session.client, applyId);
  const current = steps.find((step) => step.state !== 'done');
  if (current === undefined && steps.length > 0) return endApply(context, applyId, { state: 'completed', message: '' });
  // Where another apply has taken the target over, what is finished may be that one's by now.
  const superseded = (await findApply(context.session.client, applyId))?.supersededBy != null;
  const ofChange = steps.filter((step) => step.changePosition === current?.changePosition);
  await takeBackChange(context, {
    applyId,
    steps: ofChange,
    extent: interrupt === 'cancel' && !superseded ? 'everything' : 'unfinished',
    budgetMs: interrupt === 'cancel' ? null : STOP_CLEANUP_BUDGET_MS,
  });
  const left = (await readSteps(context.session.client, applyId)).filter((step) => step.state !== 'done');
  if (left.length === 0 && interrupt === 'stop') return endApply(context, applyId, { state: 'completed', message: '' });
  await endApply(context, applyId, { state: interrupt === 'cancel' ? 'cancelled' : 'stopped', message: '' });
}

async function failApply(
  context: ExecutionContext,
  applyId: string,
  failed: StoredStep,
  error: StepFailed,
): Promise<void> {
  const steps = await readSteps(context.session.client, applyId);
  await takeBackChange(context, {
    applyId,
    steps: steps.filter((step) => step.changePosition === failed.changePosition),
    extent: 'everything',
    budgetMs: FAILURE_CLEANUP_BUDGET_MS,
  });
  await inSessionTransaction(context, (client) => failChange(client, applyId, failed.changePosition, error.message));
  await endApply(context, applyId, { state: 'failed', message: error.message });
}

/** How each end answers the requests that were still pending when it came. */
const SETTLEMENTS: Readonly<Record<'completed' | 'failed' | 'stopped' | 'cancelled', readonly ControlOperation[]>> = {
  completed: [],
  failed: [],
  stopped: ['stop'],
  cancelled: ['stop', 'cancel'],
};

async function endApply(
  context: ExecutionContext,
  applyId: string,
  end: { readonly state: 'completed' | 'failed' | 'stopped' | 'cancelled'; readonly message: string },
): Promise<void> {
  await inSessionTransaction(context, async (client) => {
    const before = (await lockApply(client, applyId))?.state ?? 'running';
    await setApplyState(client, applyId, end.state, end.message);
    for (const operation of SETTLEMENTS[end.state]) {
      await settleControl(client, { applyId, operation, status: 'completed' });
    }
    // A cancel that came while a stop was being carried out stays pending: it is next.
    for (const operation of end.state === 'stopped' ? (['start'] as const) : (['stop', 'start', 'cancel'] as const)) {
      const message = `the schema change was ${end.state} before this request could take effect`;
      await settleControl(client, { applyId, operation, status: 'failed', message });
    }
    await writeTransition(client, applyId, before, end.state, end.message === '' ? end.state : end.message);
  });
  context.logger.info({ applyId, state: end.state }, 'apply ended');
}

async function writeTransition(
  client: ExecutionContext['session']['client'],
  applyId: string,
  oldState: ApplyState,
  newState: ApplyState,
  message: string,
): Promise<void> {
  const level = newState === 'failed' ? 'error' : 'info';
  await writeLog(client, applyId, { level, event: 'state_transition', message, oldState, newState });
}

/** Ends stopped applies that somebody has cancelled and that still had something to clean up. */
export async function cancelStopped(context: ExecutionContext): Promise<void> {
  const { rows } = await context.session.client.query<{ apply_id: string }>(
    `SELECT a.apply_id FROM _skein.applies a JOIN _skein.control_requests r USING (apply_id)
      WHERE a.state = 'stopped' AND r.operation = 'cancel' AND r.status = 'pending' ORDER BY a.operation_id`,
  );
  for (const row of rows) await interruptApply(context, row.apply_id);
}
