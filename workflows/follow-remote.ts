import { CancellationScope, condition, proxyActivities } from '@temporalio/workflow';
import type { Activities, WatchAnswer, WatchEnd, WatchInput } from '../activities/contract.js';
import type { OperationOutcome } from '../domain/operation.js';
import { askWindow, cutOver } from './forward-controls.js';
import type { GiveUpMessage } from './messages.js';
import type { Halt } from './operation-input.js';
import type { OperationMemory } from './operation-memory.js';
import { controlOptions, watchOptions } from './options.js';
import { report } from './report.js';
import { type Settled, settled } from './scope.js';

/** What ends one round of watching. */
type News =
  | WatchAnswer
  | { readonly kind: 'permitted' }
  | { readonly kind: 'asked_in_window' }
  | { readonly kind: 'look_again' }
  | { readonly kind: 'given_up'; readonly message: GiveUpMessage };

type Until = WatchInput['until'];

/** Watches the remote apply to its end. Beside the watch runs, once there is a halt, the control that delivers it. */
export async function followRemote(memory: OperationMemory): Promise<OperationOutcome> {
  let until: Until = 'copy';
  for (;;) {
    const news = await watchUntilNews(memory, until);
    switch (news.kind) {
      case 'ended':
        return finishWatched(memory, news);
      case 'given_up':
        return memory.finishGivenUp(news.message);
      case 'look_again':
        until = 'end';
        break;
      case 'parked':
        report(memory, news.state);
        until = news.state === 'revert_window' ? 'window' : 'parked';
        break;
      case 'left_parked':
        report(memory, news.state);
        until = 'copy';
        break;
      case 'cutover_refused':
        withdrawPermission(memory, news.message);
        until = 'parked';
        break;
      case 'permitted':
        until = await permit(memory);
        break;
      case 'asked_in_window':
        until = await askedInWindow(memory);
        break;
      case 'revert_refused':
        refusedInWindow(memory, news.message);
        until = 'window';
        break;
    }
  }
}

interface Watching extends Settled<WatchAnswer> {
  /** Nobody waits for it any more; nothing when it is done. */
  readonly cancel: () => void;
}

function beginWatch(memory: OperationMemory, until: Until): Watching {
  const { pollIntervalMs, verify, queue } = memory.input;
  const { startedAgain, settledBefore, remoteInput, baseline } = memory;
  const input = { ...remoteInput, pollIntervalMs, verify, until, startedAgain, settledBefore, baseline };
  const scope = new CancellationScope({ cancellable: true });
  const watching = settled(scope.run(() => proxyActivities<Activities>(watchOptions(queue)).watch(input)));
  return Object.assign(watching, { cancel: () => (watching.done ? undefined : scope.cancel()) });
}

async function watchUntilNews(memory: OperationMemory, until: Until): Promise<News> {
  const watching = beginWatch(memory, until);
  await condition(() => watching.done || isNews(memory, until));
  const news = await judgeNews(memory, watching);
  watching.cancel();
  return news;
}

/** What ends a round of watching before the watch itself has anything to say. */
function isNews(memory: OperationMemory, until: Until): boolean {
  if (memory.givenUp !== null) return true;
  if (memory.isLive) return (until === 'window' || until === 'revert') && memory.windowAsked !== null;
  return memory.halt !== null || (until === 'parked' && memory.permitted);
}

async function judgeNews(memory: OperationMemory, watching: Watching): Promise<News> {
  if (memory.givenUp !== null) return { kind: 'given_up', message: memory.givenUp };
  const answer = watching.done ? await watching.promise : null;
  if (memory.isLive) return answer ?? { kind: 'asked_in_window' };
  if (answer !== null && (memory.halt === null || endOf(memory, answer) !== null)) return answer;
  return memory.halt === null ? { kind: 'permitted' } : haltRemote(memory, memory.halt, watching);
}

/**
 * What an answer tells that a halt does not change: an end, or that the change is live. `stopped` is none while a cancel
 * is being delivered: only CANCELLED, or another end, is (C38).
 */
function endOf(memory: OperationMemory, answer: WatchAnswer | null): WatchAnswer | null {
  if (answer?.kind === 'parked' && answer.state === 'revert_window') return answer;
  if (answer?.kind !== 'ended') return null;
  return memory.halt?.by === 'cancel' && answer.state === 'stopped' ? null : answer;
}

/** Delivers a halt while the watch goes on; whichever sees the end first tells it. */
async function haltRemote(memory: OperationMemory, halt: Halt, watching: Watching): Promise<News> {
  const scope = new CancellationScope({ cancellable: true });
  const controls = proxyActivities<Activities>(controlOptions(memory.input.queue));
  const controlling = settled(scope.run(() => controls.control({ ...memory.remoteInput, control: halt.by })));
  let seen = watching;
  const isOver = () =>
    endOf(memory, seen.value) !== null || controlling.done || memory.givenUp !== null || memory.halt !== halt;
  const sawOther = () => seen.value !== null && seen.value.kind !== 'ended';
  await condition(() => isOver() || sawOther());
  if (!isOver()) {
    // It parked, or left its park: the control sees every end, yet not that a change became live.
    seen = beginWatch(memory, 'end');
    await condition(isOver);
  }
  if (!controlling.done) scope.cancel();
  if (seen !== watching) seen.cancel();
  if (memory.givenUp !== null) return { kind: 'given_up', message: memory.givenUp };
  const watched = endOf(memory, seen.value);
  if (watched !== null) return watched;
  if (!controlling.done) return { kind: 'look_again' };
  const confirmed = await controlling.promise;
  const isUnverified = memory.input.verify && (confirmed.state === 'completed' || confirmed.state === 'failed');
  return isUnverified ? verifyEnd(memory) : { kind: 'ended', drift: [], changeInPlace: false, ...confirmed };
}

/** The control saw an end that has to be verified before it counts: a fresh watch reads it at once. */
async function verifyEnd(memory: OperationMemory): Promise<News> {
  const verifying = beginWatch(memory, 'end');
  await condition(() => verifying.done || memory.givenUp !== null);
  if (memory.givenUp === null) return verifying.promise;
  verifying.cancel();
  return { kind: 'given_up', message: memory.givenUp };
}

/** A stop that is known here wins over the permission (precedence: cancel, stop, cutover, admission). */
async function permit(memory: OperationMemory): Promise<Until> {
  if (memory.isHalted) return 'parked';
  const answer = await cutOver(memory);
  if (answer?.kind === 'accepted') memory.settledBefore = answer.settledBefore;
  if (answer?.kind !== 'refused') return 'cutover';
  withdrawPermission(memory, answer.message);
  return 'parked';
}

async function askedInWindow(memory: OperationMemory): Promise<Until> {
  const control = memory.takeWindowAsked();
  const scope = new CancellationScope({ cancellable: true });
  const asking = settled(scope.run(() => askWindow(memory, control)));
  await condition(() => asking.done || memory.givenUp !== null);
  if (memory.givenUp !== null) {
    scope.cancel();
    return 'revert';
  }
  const answer = await asking.promise;
  if (answer.kind === 'accepted') {
    memory.settledBefore = answer.settledBefore;
    // Known at once, so that nobody is told that it can still be kept.
    if (control === 'revert') report(memory, 'reverting');
  }
  if (answer.kind !== 'refused') return 'revert';
  refusedInWindow(memory, answer.message);
  return 'window';
}

function withdrawPermission(memory: OperationMemory, message: string): void {
  memory.permitted = false;
  report(memory, 'waiting_for_cutover', { control: 'cutover', message });
}

function refusedInWindow(memory: OperationMemory, message: string): void {
  const control = memory.windowSent ?? 'revert';
  memory.windowSent = null;
  report(memory, 'revert_window', { control, message });
}

function finishWatched(memory: OperationMemory, end: WatchEnd): OperationOutcome {
  const wasHalted = end.state === 'stopped' || end.state === 'cancelled';
  return memory.finish({ ...end, reason: wasHalted ? (memory.halt?.reason ?? 'engine') : null });
}
