import { CancellationScope, condition, getExternalWorkflowHandle, proxyActivities } from '@temporalio/workflow';
import type { Activities, WatchAnswer, WatchEnd, WatchInput } from '../activities/contract.js';
import type { OperationOutcome } from '../domain/operation.js';
import { forward } from './forward.js';
import { type GiveUpMessage, type OperationReport, reportSignal } from './messages.js';
import type { Halt } from './operation-input.js';
import type { OperationMemory } from './operation-memory.js';
import { controlOptions, watchOptions } from './options.js';
import { type Settled, settled } from './scope.js';

/** What ends one round of watching. */
type News =
  | WatchAnswer
  | { readonly kind: 'permitted' }
  | { readonly kind: 'look_again' }
  | { readonly kind: 'given_up'; readonly message: GiveUpMessage };

/** Watches the remote apply to its end. Beside the watch runs, once there is a halt, the control that delivers it. */
export async function followRemote(memory: OperationMemory): Promise<OperationOutcome> {
  let until: WatchInput['until'] = 'copy';
  let settledBefore: WatchInput['settledBefore'] = null;
  for (;;) {
    const news = await watchUntilNews(memory, until, settledBefore);
    switch (news.kind) {
      case 'ended':
        return finishWatched(memory, news);
      case 'given_up':
        return memory.finishGivenUp(news.message);
      case 'look_again':
        until = 'cutover';
        break;
      case 'parked':
        if (news.state === 'revert_window') until = 'window';
        else {
          report(memory, 'parked', '');
          until = 'parked';
        }
        break;
      case 'left_parked':
        if (until === 'window') until = 'revert';
        else {
          report(memory, 'left_parked', '');
          until = 'cutover';
        }
        break;
      case 'revert_refused':
        until = 'window';
        break;
      case 'cutover_refused':
        withdrawPermission(memory, news.message);
        until = 'parked';
        break;
      case 'permitted':
        ({ until, settledBefore } = await cutOver(memory, settledBefore));
        break;
    }
  }
}

async function watchUntilNews(
  memory: OperationMemory,
  until: WatchInput['until'],
  settledBefore: WatchInput['settledBefore'],
): Promise<News> {
  const { pollIntervalMs, verify, queue } = memory.input;
  const scope = new CancellationScope({ cancellable: true });
  const { startedAgain } = memory;
  const input = { ...memory.remoteInput, pollIntervalMs, verify, until, startedAgain, settledBefore };
  const watching = settled(scope.run(() => proxyActivities<Activities>(watchOptions(queue)).watch(input)));
  await condition(() => watching.done || memory.isHalted || (until === 'parked' && memory.permitted));
  const news = await judgeNews(memory, watching);
  if (!watching.done) scope.cancel();
  return news;
}

async function judgeNews(memory: OperationMemory, watching: Settled<WatchAnswer>): Promise<News> {
  if (memory.givenUp !== null) return { kind: 'given_up', message: memory.givenUp };
  const answer = watching.done ? await watching.promise : null;
  if (answer !== null && (endOf(memory, answer) !== null || memory.halt === null)) return answer;
  return memory.halt === null ? { kind: 'permitted' } : haltRemote(memory, memory.halt, watching);
}

/** The end that an answer tells, if it does. `stopped` is none while a cancel is being delivered: only CANCELLED, or another end, is (C38). */
function endOf(memory: OperationMemory, answer: WatchAnswer | null): WatchEnd | null {
  if (answer?.kind !== 'ended') return null;
  return memory.halt?.by === 'cancel' && answer.state === 'stopped' ? null : answer;
}

/** Delivers a halt while the watch goes on; whichever sees the end first tells it. */
async function haltRemote(memory: OperationMemory, halt: Halt, watching: Settled<WatchAnswer>): Promise<News> {
  const scope = new CancellationScope({ cancellable: true });
  const controls = proxyActivities<Activities>(controlOptions(memory.input.queue));
  const controlling = settled(scope.run(() => controls.control({ ...memory.remoteInput, control: halt.by })));
  const isOver = () =>
    endOf(memory, watching.value) !== null || controlling.done || memory.givenUp !== null || memory.halt !== halt;
  await condition(isOver);
  if (!controlling.done) scope.cancel();
  if (memory.givenUp !== null) return { kind: 'given_up', message: memory.givenUp };
  const watched = endOf(memory, watching.value);
  if (watched !== null) return watched;
  if (!controlling.done) return { kind: 'look_again' };
  const confirmed = await controlling.promise;
  const isUnverified = memory.input.verify && (confirmed.state === 'completed' || confirmed.state === 'failed');
  return isUnverified ? verifyEnd(memory) : { kind: 'ended', drift: [], changeInPlace: false, ...confirmed };
}

/** The control saw an end that has to be verified before it counts: a fresh watch reads it at once. */
async function verifyEnd(memory: OperationMemory): Promise<News> {
  const scope = new CancellationScope({ cancellable: true });
  const input = {
    ...memory.remoteInput,
    pollIntervalMs: null,
    verify: true,
    until: 'cutover',
    startedAgain: false,
    settledBefore: null,
  } as const;
  const verifying = settled(
    scope.run(() => proxyActivities<Activities>(watchOptions(memory.input.queue)).watch(input)),
  );
  await condition(() => verifying.done || memory.givenUp !== null);
  if (memory.givenUp === null) return verifying.promise;
  scope.cancel();
  return { kind: 'given_up', message: memory.givenUp };
}

/** A stop that is known here wins over the permission (precedence: cancel, stop, cutover, admission). */
async function cutOver(
  memory: OperationMemory,
  settledBefore: WatchInput['settledBefore'],
): Promise<Pick<WatchInput, 'until' | 'settledBefore'>> {
  if (memory.isHalted) return { until: 'parked', settledBefore };
  const answer = await forward(memory, (calls) => calls.cutover(memory.remoteInput));
  if (answer?.kind === 'accepted') return { until: 'cutover', settledBefore: answer.settledBefore };
  if (answer?.kind !== 'refused') return { until: 'cutover', settledBefore };
  withdrawPermission(memory, answer.message);
  return { until: 'parked', settledBefore };
}

function withdrawPermission(memory: OperationMemory, message: string): void {
  memory.permitted = false;
  report(memory, 'cutover_refused', message);
}

/** Tells the parent what it has to know beyond the end. A parent that has gone does not need it. */
function report(memory: OperationMemory, what: OperationReport['report'], message: string): void {
  memory.parked = what !== 'left_parked';
  const { applyId, deployment } = memory.input;
  const { attempt, remoteApplyId } = memory;
  const signalled = getExternalWorkflowHandle(applyId).signal(reportSignal, {
    deployment,
    attempt,
    report: what,
    remoteApplyId,
    message,
  });
  void signalled.catch(() => undefined);
}

function finishWatched(memory: OperationMemory, end: WatchEnd): OperationOutcome {
  const wasHalted = end.state === 'stopped' || end.state === 'cancelled';
  return memory.finish({ ...end, reason: wasHalted ? (memory.halt?.reason ?? 'engine') : null });
}
