import type { MethodDefinition } from '@grpc/grpc-js';
import { LookupService } from '../proto/gen/lookup.js';
import { TernService } from '../proto/gen/tern.js';
import { DEADLINE_MS } from './limits.js';
import type { CallKind } from './status.js';

/** One call of the contract: how it is sent, how long it may take, and how its failures read. */
export interface Call<Request, Response> {
  /** As the contract names it. */
  readonly name: string;
  readonly kind: CallKind;
  readonly deadlineMs: number;
  readonly method: MethodDefinition<Request, Response>;
}

/** Every call that is ever sent. What is not here (Volume, StorageSchema) is not sent (engine contract 1.5). */
export const CALLS = {
  health: call('Health', 'query', DEADLINE_MS.health, TernService.health),
  plan: call('Plan', 'query', DEADLINE_MS.plan, TernService.plan),
  planDiff: call('PlanDiff', 'query', DEADLINE_MS.planDiff, TernService.planDiff),
  apply: call('Apply', 'apply', DEADLINE_MS.apply, TernService.apply),
  findApply: call('FindApply', 'query', DEADLINE_MS.findApply, LookupService.findApply),
  progress: call('Progress', 'observe', DEADLINE_MS.progress, TernService.progress),
  logs: call('Logs', 'observe', DEADLINE_MS.logs, TernService.logs),
  stop: call('Stop', 'control', DEADLINE_MS.control, TernService.stop),
  start: call('Start', 'control', DEADLINE_MS.control, TernService.start),
  cancel: call('Cancel', 'control', DEADLINE_MS.control, TernService.cancel),
  cutover: call('Cutover', 'control', DEADLINE_MS.control, TernService.cutover),
  revert: call('Revert', 'control', DEADLINE_MS.revert, TernService.revert),
  skipRevert: call('SkipRevert', 'control', DEADLINE_MS.revert, TernService.skipRevert),
} as const;

function call<Request, Response>(
  name: string,
  kind: CallKind,
  deadlineMs: number,
  method: MethodDefinition<Request, Response>,
): Call<Request, Response> {
  return { name, kind, deadlineMs, method };
}
