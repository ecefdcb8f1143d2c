import type { MethodDefinition } from '@grpc/grpc-js';
import { LookupService } from '../proto/gen/lookup.js';
import { TernService } from '../proto/gen/tern.js';
import type { DEADLINE_MS } from './limits.js';
import type { CallKind } from './status.js';

/** One call of the contract: how it is sent, how long it may take, and how its failures read. */
export interface Call<Request, Response> {
  /** As the contract names it. */
  readonly name: string;
  readonly kind: CallKind;
  /** Its row in the table of deadlines. */
  readonly deadline: keyof typeof DEADLINE_MS;
  readonly method: MethodDefinition<Request, Response>;
}

/** Every call that is ever sent. What is not here (Volume, StorageSchema) is not sent (engine contract 1.5). */
export const CALLS = {
  health: call('Health', 'query', 'health', TernService.health),
  plan: call('Plan', 'query', 'plan', TernService.plan),
  planDiff: call('PlanDiff', 'query', 'planDiff', TernService.planDiff),
  apply: call('Apply', 'apply', 'apply', TernService.apply),
  findApply: call('FindApply', 'query', 'findApply', LookupService.findApply),
  progress: call('Progress', 'observe', 'progress', TernService.progress),
  logs: call('Logs', 'observe', 'logs', TernService.logs),
  stop: call('Stop', 'control', 'control', TernService.stop),
  start: call('Start', 'control', 'control', TernService.start),
  cancel: call('Cancel', 'control', 'control', TernService.cancel),
  cutover: call('Cutover', 'control', 'control', TernService.cutover),
  revert: call('Revert', 'control', 'revert', TernService.revert),
  skipRevert: call('SkipRevert', 'control', 'revert', TernService.skipRevert),
} as const;

function call<Request, Response>(
  name: string,
  kind: CallKind,
  deadline: keyof typeof DEADLINE_MS,
  method: MethodDefinition<Request, Response>,
): Call<Request, Response> {
  return { name, kind, deadline, method };
}
