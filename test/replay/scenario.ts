import type { Scene, SceneOptions } from '../support/stage.js';

/** One run of an apply. */
export interface ApplyRunId {
  readonly workflowId: string;
  readonly runId: string;
}

/** A story whose histories are kept, so that every later version of the workflows is held to it (I10). */
export interface Scenario {
  /** Also the folder of its histories. */
  readonly name: string;
  readonly deployments: readonly string[];
  readonly options?: SceneOptions;
  /** Plays it to its end; gives every run of every apply in it, in order. */
  readonly play: (scene: Scene) => Promise<readonly ApplyRunId[]>;
}

export const HOLDS = { steps: [{ state: 'STATE_RUNNING', holds: true }] } as const;
export const FAILS = { end: 'failed', message: 'duplicate key value' } as const;

/** Waits until its engine is being watched. */
export async function watched(scene: Scene, deployment: string): Promise<void> {
  await scene.engine(deployment).ledger.waitForCall({ rpc: 'Progress', target: deployment, outcome: 'answered' });
}

export function runOf(handle: { readonly workflowId: string; readonly firstExecutionRunId: string }): ApplyRunId {
  return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId };
}
