import { SkeinClient } from '../../client/index.js';
import { CONTROL_SIGNALS, CONTROL_UPDATES } from '../../workflows/messages.js';
import { failureOf, resetApply, send, startNextRun, untilStatus } from '../support/controls.js';
import { type Scene, resultOf, untilView } from '../support/stage.js';
import { ROLLOUT_SCENARIOS } from './rollout-scenarios.js';
import { FAILS, HOLDS, type Scenario, runOf, watched } from './scenario.js';

const START = { control: 'start', release: false, skip: [] } as const;
const RETRY = { control: 'retry', deployments: [], release: false, skip: [] } as const;

export const SCENARIOS: readonly Scenario[] = [
  { name: 'completed-one', deployments: ['eu'], play: playToTheEnd },
  { name: 'completed-three', deployments: ['eu', 'us', 'ap'], play: playToTheEnd },
  { name: 'nothing-to-do', deployments: ['eu', 'us'], play: playNothingToDo },
  { name: 'reserved-in-batches', deployments: numbered(101), options: { oneEngine: true }, play: playInBatches },
  { name: 'stopped-before-it-began', deployments: ['eu', 'us'], options: { worker: false }, play: playStoppedEarly },
  { name: 'stopped-in-flight-and-started-again', deployments: ['eu', 'us', 'ap'], play: playStoppedAndStarted },
  { name: 'stopped-with-a-lost-reply', deployments: ['eu'], options: { lookup: false }, play: playLostReply },
  { name: 'cancelled-while-running', deployments: ['eu', 'us'], play: playCancelled },
  { name: 'stopped-and-then-cancelled', deployments: ['eu', 'us'], play: playStoppedAndCancelled },
  { name: 'halted-by-a-failure-and-retried', deployments: ['eu', 'us'], play: playHaltedAndRetried },
  { name: 'continued-after-a-failure', deployments: ['eu', 'us', 'ap'], play: playContinued },
  { name: 'paused-and-released', deployments: ['eu', 'us'], play: playPausedAndReleased },
  { name: 'retried-while-running', deployments: ['eu', 'us'], play: playRetriedWhileRunning },
  { name: 'skipped-while-pending', deployments: ['eu', 'us', 'ap'], play: playSkipped },
  { name: 'given-up-unconfirmed', deployments: ['eu', 'us'], play: playGivenUp },
  { name: 'unconfirmed-and-settled-by-key', deployments: ['eu'], play: playSettledByKey },
  { name: 'failed-falsely-and-verified', deployments: ['eu'], play: playFailedFalsely },
  { name: 'parked-and-permitted', deployments: ['eu'], play: playParked },
  { name: 'cutover-refused-and-stopped', deployments: ['eu'], play: playCutoverRefused },
  { name: 'target-held', deployments: ['eu', 'us'], play: playTargetHeld },
  { name: 'child-terminated', deployments: ['eu', 'us'], play: playChildTerminated },
  { name: 'reset-in-the-middle', deployments: ['eu', 'us'], play: playReset },
  { name: 'terminated-and-started-again', deployments: ['eu', 'us'], play: playTerminated },
  ...ROLLOUT_SCENARIOS,
];

async function playToTheEnd(scene: Scene) {
  const handle = await scene.start(await scene.input());
  await resultOf(handle);
  return [runOf(handle)];
}

async function playNothingToDo(scene: Scene) {
  scene.engine('eu').changeLiveSchema('eu', ['CREATE TABLE orders (id bigint)']);
  return playToTheEnd(scene);
}

async function playInBatches(scene: Scene) {
  for (const name of numbered(101)) scene.engine(name).script(name, HOLDS);
  const handle = await scene.start(await scene.input());
  await watched(scene, 'd1');
  await handle.signal(CONTROL_SIGNALS.stop);
  await resultOf(handle);
  return [runOf(handle)];
}

async function playStoppedEarly(scene: Scene) {
  const handle = await scene.start(await scene.input());
  await handle.signal(CONTROL_SIGNALS.stop);
  await scene.startWorker();
  await resultOf(handle);
  return [runOf(handle)];
}

async function playStoppedAndStarted(scene: Scene) {
  scene.engine('us').script('us', HOLDS);
  const input = await scene.input();
  const handle = await scene.start(input);
  await watched(scene, 'us');
  await send(handle, CONTROL_UPDATES.stop, { by: 'alice' });
  const result = await resultOf(handle);
  const again = await startNextRun(scene.client, { input, result }, START);
  await scene.engine('us').ledger.waitForCall({ rpc: 'Start', outcome: 'accepted' });
  scene.engine('us').completeApply('us');
  await resultOf(again);
  return [runOf(handle), runOf(again)];
}

async function playLostReply(scene: Scene) {
  scene.engine('eu').script('eu', HOLDS);
  const lost = scene.engine('eu').fault({
    rpc: 'Apply',
    times: Number.POSITIVE_INFINITY,
    action: { kind: 'error_after', status: 'UNAVAILABLE' },
  });
  const handle = await scene.start(await scene.input());
  await scene.engine('eu').ledger.waitForCall({ rpc: 'Apply', nth: 2 });
  await handle.signal(CONTROL_SIGNALS.stop);
  await untilView(handle, (view) => view.stop);
  const sent = scene.engine('eu').ledger.calls({ rpc: 'Apply' }).length;
  await scene.engine('eu').ledger.waitForCall({ rpc: 'Apply', nth: sent + 1 });
  lost.remove();
  await resultOf(handle);
  return [runOf(handle)];
}

async function playCancelled(scene: Scene) {
  scene.engine('eu').script('eu', HOLDS);
  const handle = await scene.start(await scene.input());
  await watched(scene, 'eu');
  await send(handle, CONTROL_UPDATES.cancel, { by: 'alice' });
  await resultOf(handle);
  return [runOf(handle)];
}

async function playStoppedAndCancelled(scene: Scene) {
  scene.engine('eu').script('eu', HOLDS);
  const input = await scene.input();
  const handle = await scene.start(input);
  await watched(scene, 'eu');
  await handle.signal(CONTROL_SIGNALS.stop);
  const result = await resultOf(handle);
  const cancel = await startNextRun(scene.client, { input, result }, { control: 'cancel', deployments: [] });
  await resultOf(cancel);
  return [runOf(handle), runOf(cancel)];
}

async function playHaltedAndRetried(scene: Scene) {
  scene.engine('eu').script('eu', FAILS);
  const input = await scene.input();
  const handle = await scene.start(input);
  const result = await resultOf(handle);
  scene.engine('eu').script('eu', {});
  const again = await startNextRun(scene.client, { input, result }, RETRY);
  await resultOf(again);
  return [runOf(handle), runOf(again)];
}

async function playContinued(scene: Scene) {
  scene.engine('us').script('us', FAILS);
  const handle = await scene.start(await scene.input({ rollout: { onFailure: 'continue', maxConcurrency: 2 } }));
  await resultOf(handle);
  return [runOf(handle)];
}

async function playPausedAndReleased(scene: Scene) {
  scene.engine('eu').script('eu', FAILS);
  const handle = await scene.start(await scene.input({ rollout: { onFailure: 'pause' } }));
  await untilView(handle, ({ operations }) => operations[0]?.outcome?.state === 'failed');
  await handle.signal(CONTROL_SIGNALS.release, { by: 'alice' });
  await resultOf(handle);
  return [runOf(handle)];
}

async function playRetriedWhileRunning(scene: Scene) {
  scene.engine('eu').script('eu', FAILS);
  scene.engine('us').script('us', HOLDS);
  const handle = await scene.start(await scene.input({ rollout: { onFailure: 'continue' } }));
  await watched(scene, 'us');
  scene.engine('eu').script('eu', {});
  await send(handle, CONTROL_UPDATES.retry, { by: 'alice', deployments: ['eu'] });
  scene.engine('us').completeApply('us');
  await resultOf(handle);
  return [runOf(handle)];
}

async function playSkipped(scene: Scene) {
  scene.engine('eu').script('eu', HOLDS);
  const handle = await scene.start(await scene.input());
  await watched(scene, 'eu');
  await send(handle, CONTROL_UPDATES.skip, { by: 'alice', deployments: ['us'], reason: 'decommissioned' });
  await untilView(handle, ({ operations }) => operations[1]?.outcome !== null);
  scene.engine('eu').completeApply('eu');
  await resultOf(handle);
  return [runOf(handle)];
}

async function playGivenUp(scene: Scene) {
  scene.engine('eu').script('eu', { ...HOLDS, stop: 'never_lands' });
  const handle = await scene.start(await scene.input());
  await watched(scene, 'eu');
  await handle.signal(CONTROL_SIGNALS.stop);
  await scene.engine('eu').ledger.waitForCall({ rpc: 'Stop', outcome: 'accepted' });
  await send(handle, CONTROL_UPDATES.skip, { by: 'bob', deployments: ['eu'], reason: 'stuck', unconfirmed: true });
  await resultOf(handle);
  return [runOf(handle)];
}

async function playSettledByKey(scene: Scene) {
  scene.engine('eu').fault({ rpc: 'Apply', action: { kind: 'rewrite', rewrite: () => ({ applyId: '' }) } });
  const input = await scene.input();
  const handle = await scene.start(input);
  const result = await resultOf(handle);
  const again = await startNextRun(scene.client, { input, result }, RETRY);
  await resultOf(again);
  return [runOf(handle), runOf(again)];
}

async function playFailedFalsely(scene: Scene) {
  scene.engine('eu').script('eu', { ...FAILS, effect: 'always' });
  const input = await scene.input();
  const handle = await scene.start(input);
  const result = await resultOf(handle);
  const again = await startNextRun(scene.client, { input, result }, RETRY);
  await resultOf(again);
  return [runOf(handle), runOf(again)];
}

async function playParked(scene: Scene) {
  scene.engine('eu').script('eu', { parks: 'always' });
  return playToTheEnd(scene);
}

async function playCutoverRefused(scene: Scene) {
  scene.engine('eu').script('eu', { parks: 'always', cutover: 'refused' });
  const handle = await scene.start(await scene.input());
  await untilView(handle, ({ operations }) => operations[0]?.cutoverRefused === true);
  await handle.signal(CONTROL_SIGNALS.stop);
  await resultOf(handle);
  return [runOf(handle)];
}

async function playTargetHeld(scene: Scene) {
  scene.engine('eu').script('eu', HOLDS);
  const holder = await scene.start(await scene.input({ deployments: ['eu'] }), 'holder');
  await watched(scene, 'eu');
  const latecomer = await scene.start(await scene.input({ deployments: ['us', 'eu'] }), 'latecomer');
  await failureOf(latecomer);
  scene.engine('eu').completeApply('eu');
  await resultOf(holder);
  return [runOf(holder), runOf(latecomer)];
}

async function playChildTerminated(scene: Scene) {
  scene.engine('eu').script('eu', HOLDS);
  const handle = await scene.start(await scene.input());
  await watched(scene, 'eu');
  await scene.operation('eu').terminate('by mistake');
  await scene.engine('eu').ledger.waitForCall({ rpc: 'Apply', nth: 2, outcome: 'accepted' });
  scene.engine('eu').completeApply('eu');
  await resultOf(handle);
  return [runOf(handle)];
}

async function playReset(scene: Scene) {
  scene.engine('eu').script('eu', HOLDS);
  const handle = await scene.start(await scene.input());
  await watched(scene, 'eu');
  const again = await resetApply(scene.client, handle.workflowId, 'last');
  scene.engine('eu').completeApply('eu');
  await resultOf(again);
  return [runOf(handle), { workflowId: again.workflowId, runId: again.runId }];
}

async function playTerminated(scene: Scene) {
  scene.engine('eu').script('eu', HOLDS);
  const handle = await scene.start(await scene.input());
  await watched(scene, 'eu');
  await handle.terminate('by mistake');
  await untilStatus(scene.client, handle.workflowId, (status) => status.interrupted === 'terminated');
  const again = await new SkeinClient(scene.client, { caller: 'tester' }).start(handle.workflowId);
  if (!('runId' in again)) throw new Error(`not started again: ${JSON.stringify(again)}`);
  await scene.engine('eu').ledger.waitForCall({ rpc: 'Start', outcome: 'accepted' });
  scene.engine('eu').completeApply('eu');
  await resultOf(scene.client.workflow.getHandle(handle.workflowId));
  return [runOf(handle), { workflowId: handle.workflowId, runId: again.runId }];
}

function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `d${index + 1}`);
}
