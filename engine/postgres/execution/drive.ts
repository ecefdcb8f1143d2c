import type { ApplyState } from '../../apply-state.js';
import type { ControlOperation } from '../../target.js';
import { findApply, lockApply, setApplyState } from '../storage/applies.js';
import { isCutoverPermitted, readInterrupt, settleControl } from '../storage/controls.js';
import { writeLog } from '../storage/logs.js';
import { failChange, readChanges, readSteps, type StoredStep } from '../storage/steps.js';
import { inSessionTransaction, type ExecutionContext } from './context.js';
import { stepsOfCancel, stepsOfFailure } from './extent.js';
import { runStep } from './run-step.js';
import { StepFailed } from './step-error.js';
import { takeBackChanges } from './take-back.js';

/** A stop is over in about this long, also when something cannot be cleaned up at once. */
const STOP_CLEANUP_BUDGET_MS = 1_500;
/** A failed apply tries this long to leave nothing half-done, so that the same plan fits again for a retry. */
const FAILURE_CLEANUP_BUDGET_MS = 30_000;

/** What is to be done about the apply next: `parked` until a request comes; `over`: whatever is recorded now. */
export type Driven = 'parked' | 'over';

/**
 * Carries the live apply of a target on, from the first step that is not done, until it parks, rests or has ended. May be
 * entered again at any point after a crash: everything it needs is in the storage and the catalogue.
 */
export async function driveApply(context: ExecutionContext, applyId: string): Promise<Driven> {
  if ((await readInterrupt(context.session.client, applyId)) !== null) {
    await interruptApply(context, applyId);
    return 'over';
  }
  const begun = await beginDriving(context, applyId);
  return begun === 'parked' || begun === 'over' ? begun : runSteps(context, applyId, begun);
}

async function runSteps(
  context: ExecutionContext,
  applyId: string,
  state: 'running' | 'cutting_over',
): Promise<Driven> {
  const changes = await readChanges(context.session.client, applyId);
  for (const step of await readSteps(context.session.client, applyId)) {
    if (step.state === 'done') continue;
    // The steps that wait come last, so everything before them is done.
    if (step.step.waitsBecause !== undefined && state !== 'cutting_over') return park(context, applyId);
    const change = changes[step.changePosition];
    if (change === undefined) throw new Error(`apply ${applyId}: step ${step.position} belongs to no change`);
    try {
      if ((await runStep(context, applyId, change, step)) === 'interrupted') {
        await interruptApply(context, applyId);
        return 'over';
      }
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      await failApply(context, applyId, step, error);
      return 'over';
    }
    await writeLog(context.session.client, applyId, {
      level: 'info',
      event: 'step_done',
      changePosition: step.changePosition,
      message: `done: ${step.step.statement}`,
    });
  }
  await endApply(context, applyId, { state: 'completed', message: '' });
  return 'over';
}

/** What it is that begins, by the state before. */
const BEGINNINGS: Readonly<Partial<Record<ApplyState, string>>> = {
  pending: 'begins',
  waiting_for_cutover: 'cuts over',
};

async function beginDriving(context: ExecutionContext, applyId: string): Promise<Driven | 'running' | 'cutting_over'> {
  const { client: session } = context.session;
  const isParked = (await findApply(session, applyId))?.state === 'waiting_for_cutover';
  // A parked apply is looked at every second, for weeks: that locks and writes nothing.
  if (isParked && !(await isCutoverPermitted(session, applyId))) return 'parked';
  return inSessionTransaction(context, async (client) => {
    const apply = await lockApply(client, applyId);
    // A stop takes the same lock. The one that was accepted first goes first (E42).
    if (apply === null || (await readInterrupt(client, applyId)) !== null) return 'over';
    await settleControl(client, { applyId, operation: 'start', status: 'completed' });
    const state = (await isCutoverPermitted(client, applyId)) ? 'cutting_over' : 'running';
    if (apply.state === state) return state;
    await setApplyState(client, applyId, state);
    await writeTransition(client, applyId, apply.state, state, BEGINNINGS[apply.state] ?? 'goes on');
    return state;
  });
}

/** Everything that nobody can see is done. The rest waits for a cutover, with no transaction open and no lock held. */
async function park(context: ExecutionContext, applyId: string): Promise<Driven> {
  await inSessionTransaction(context, async (client) => {
    const before = (await lockApply(client, applyId))?.state ?? 'running';
    await setApplyState(client, applyId, 'waiting_for_cutover');
    await writeTransition(client, applyId, before, 'waiting_for_cutover', 'waits for the cutover');
  });
  context.logger.info({ applyId }, 'apply waits for its cutover');
  return 'parked';
}

/** Carries a recorded stop or cancel out. What had been completed before it came stays completed. */
async function interruptApply(context: ExecutionContext, applyId: string): Promise<void> {
  const interrupt = await readInterrupt(context.session.client, applyId);
  if (interrupt === null) return;
  const steps = await readSteps(context.session.client, applyId);
  if (steps.length > 0 && steps.every((step) => step.state === 'done'))
    return endApply(context, applyId, { state: 'completed', message: '' });
  const apply = await findApply(context.session.client, applyId);
  // Where another apply has taken the target over, what is finished may be that one's by now.
  const goesBack = interrupt === 'cancel' && apply !== null && apply.supersededBy === null;
  await takeBackChanges(context, {
    applyId,
    steps: goesBack ? stepsOfCancel(apply, steps) : stepsOfFailure(steps),
    extent: goesBack ? 'everything' : 'unfinished',
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
  await takeBackChanges(context, {
    applyId,
    steps: stepsOfFailure(steps),
    extent: 'everything',
    budgetMs: FAILURE_CLEANUP_BUDGET_MS,
  });
  await inSessionTransaction(context, (client) => failChange(client, applyId, failed.changePosition, error.message));
  await endApply(context, applyId, { state: 'failed', message: error.message });
}

/** How each end answers the requests that were still pending when it came. */
const SETTLEMENTS: Readonly<Record<'completed' | 'failed' | 'stopped' | 'cancelled', readonly ControlOperation[]>> = {
  completed: ['cutover'],
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
    const cutover = end.state === 'failed' ? end.message : `the schema change was ${end.state} before it was over`;
    await settleControl(client, { applyId, operation: 'cutover', status: 'failed', message: cutover });
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
