import type { RolloutSpec, WaveSpec } from '../../domain/spec.js';
import { CONTROL_UPDATES } from '../../workflows/messages.js';
import { send } from '../support/controls.js';
import { type Scene, resultOf, untilView } from '../support/stage.js';
import { FAILS, HOLDS, type Scenario, runOf, watched } from './scenario.js';

/** Stories of the rollout language: waves, gates, cutovers, and what a policy does when it closes. */
export const ROLLOUT_SCENARIOS: readonly Scenario[] = [
  { name: 'waves-behind-a-gate', deployments: ['eu', 'us', 'ap'], play: playWaves },
  { name: 'rejected-at-the-gate', deployments: ['eu', 'us', 'ap'], play: playRejected },
  { name: 'barrier-cutover', deployments: ['eu', 'us', 'ap'], play: playBarrier },
  { name: 'ordered-past-a-failure', deployments: ['eu', 'us'], play: playOrdered },
  { name: 'manual-cutover', deployments: ['eu', 'us'], play: playManual },
  { name: 'in-flight-stopped-by-the-policy', deployments: ['eu', 'us', 'ap'], play: playInFlightStopped },
  { name: 'reverted-in-its-window', deployments: ['eu', 'us'], play: playReverted },
  { name: 'one-cancelled', deployments: ['eu', 'us'], play: playOneCancelled },
];

const WAVE: WaveSpec = { name: 'canary', deployments: ['eu'], bakeTimeMs: 0, gate: 'auto', expiresAfterMs: null };

const GATED: Partial<RolloutSpec> = {
  maxConcurrency: 2,
  waves: [
    { ...WAVE, bakeTimeMs: 100 },
    { ...WAVE, name: 'rest', deployments: ['us', 'ap'], gate: 'manual' },
  ],
};

async function atTheGate(scene: Scene) {
  const handle = await scene.start(await scene.input({ rollout: GATED }));
  await untilView(handle, ({ waves }) => waves[1]?.gateSince != null);
  return handle;
}

async function playWaves(scene: Scene) {
  const handle = await atTheGate(scene);
  await send(handle, CONTROL_UPDATES.approve, { by: 'alice' });
  await resultOf(handle);
  return [runOf(handle)];
}

async function playRejected(scene: Scene) {
  const handle = await atTheGate(scene);
  await send(handle, CONTROL_UPDATES.reject, { by: 'alice', wave: 'rest' });
  await resultOf(handle);
  return [runOf(handle)];
}

async function playBarrier(scene: Scene) {
  const handle = await scene.start(await scene.input({ rollout: { cutover: 'barrier', maxConcurrency: 2 } }));
  await resultOf(handle);
  return [runOf(handle)];
}

async function playOrdered(scene: Scene) {
  scene.engine('eu').script('eu', FAILS);
  const handle = await scene.start(await scene.input({ rollout: { cutover: 'ordered', onFailure: 'continue' } }));
  await resultOf(handle);
  return [runOf(handle)];
}

async function playManual(scene: Scene) {
  const handle = await scene.start(await scene.input({ rollout: { cutover: 'manual', maxConcurrency: 2 } }));
  await untilView(handle, ({ operations }) => operations.every(({ stage }) => stage === 'parked'));
  await send(handle, CONTROL_UPDATES.cutover, { by: 'alice', deployments: ['us'] });
  await untilView(handle, ({ operations }) => operations[1]?.outcome != null);
  await send(handle, CONTROL_UPDATES.cutover, { by: 'alice' });
  await resultOf(handle);
  return [runOf(handle)];
}

async function playInFlightStopped(scene: Scene) {
  scene.engine('eu').script('eu', { ...FAILS, ...HOLDS });
  scene.engine('us').script('us', HOLDS);
  const handle = await scene.start(await scene.input({ rollout: { inFlight: 'stop', maxConcurrency: 2 } }));
  await watched(scene, 'us');
  await watched(scene, 'eu');
  scene.engine('eu').failApply('eu', 'duplicate key value');
  await resultOf(handle);
  return [runOf(handle)];
}

async function playReverted(scene: Scene) {
  scene.engine('eu').script('eu', { revertWindow: 'opens' });
  const handle = await scene.start(await scene.input({ rollout: { onFailure: 'continue' } }));
  await untilView(handle, ({ operations }) => operations[0]?.reported === 'revert_window');
  await send(handle, CONTROL_UPDATES.revert, { by: 'alice', deployments: ['eu'] });
  await resultOf(handle);
  return [runOf(handle)];
}

async function playOneCancelled(scene: Scene) {
  scene.engine('eu').script('eu', HOLDS);
  const handle = await scene.start(await scene.input());
  await watched(scene, 'eu');
  await send(handle, CONTROL_UPDATES.cancel, { by: 'alice', deployments: ['eu'] });
  await resultOf(handle);
  return [runOf(handle)];
}
