import { ParentClosePolicy, executeChild, proxyActivities } from '@temporalio/workflow';
import type { FloorActivities } from './floor-activities.js';

/**
 * The least that any orchestration of this shape costs: a parent, one child per deployment, one activity that does
 * nothing in each. What a rollout takes is measured against it, in the same run on the same server.
 */
const { doNothing } = proxyActivities<FloorActivities>({ startToCloseTimeout: '1m' });

export async function floorChild(): Promise<void> {
  await doNothing();
}

export async function floorParent(children: number): Promise<void> {
  const running: Promise<void>[] = [];
  for (let child = 0; child < children; child += 1) {
    running.push(executeChild(floorChild, { parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL }));
  }
  await Promise.all(running);
}
