import type { WorkflowHandle } from '@temporalio/client';
import type { ApplyView } from '../../domain/apply.js';
import type { apply } from '../../workflows/apply.js';
import type { LedgerCall } from './scripted-engine.js';
import { type Scene, untilView } from './stage.js';

/** Waits until the apply itself knows that these are parked. */
export function untilParked(
  handle: WorkflowHandle<typeof apply>,
  deployments: readonly string[],
  state: 'waiting_for_cutover' | 'revert_window' = 'waiting_for_cutover',
): Promise<ApplyView> {
  return untilView(handle, ({ operations }) =>
    deployments.every((name) =>
      operations.some((one) => one.deployment === name && one.stage === 'parked' && one.reported === state),
    ),
  );
}

/** Every Cutover of these deployments that their engines saw; in order where they share one. */
export function cutovers(scene: Scene, deployments: readonly string[]): readonly LedgerCall[] {
  const ledgers = new Set(deployments.map((name) => scene.engine(name).ledger));
  return [...ledgers]
    .flatMap((ledger) => ledger.calls({ rpc: 'Cutover' }))
    .filter(({ target }) => deployments.includes(target));
}
