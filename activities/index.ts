import { createPlanDeployment, createReadLogs } from './ask.js';
import type { Activities } from './contract.js';
import { createControl } from './control.js';
import { createDispatch } from './dispatch.js';
import { createCutover, createStartRemote } from './go-on.js';
import { createAwaitFormer, createDescribeHolder } from './holder.js';
import type { ActivityPorts } from './ports.js';
import { createResolveDispatch } from './resolve-dispatch.js';
import { createRevert, createSkipRevert } from './revert.js';
import { createVerifyPlan } from './verify-plan.js';
import { createWatch } from './watch.js';

/** Every activity, with what it needs handed in (style 4: injection by a factory). */
export function createActivities(ports: ActivityPorts): Activities {
  return {
    dispatch: createDispatch(ports),
    resolveDispatch: createResolveDispatch(ports),
    watch: createWatch(ports),
    control: createControl(ports),
    startRemote: createStartRemote(ports),
    cutover: createCutover(ports),
    revert: createRevert(ports),
    skipRevert: createSkipRevert(ports),
    verifyPlan: createVerifyPlan(ports),
    describeHolder: createDescribeHolder(ports),
    awaitFormer: createAwaitFormer(ports),
    planDeployment: createPlanDeployment(ports),
    readLogs: createReadLogs(ports),
  };
}
