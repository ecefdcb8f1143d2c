import type { ApplyRequest, DirectExecutionPolicy } from '../../proto/gen/tern.js';
import { invalidArgument } from '../errors.js';
import type { DatabaseKind } from '../target.js';

export function assertServedType({ types, name }: DatabaseKind, type: string): void {
  if (types.has(type)) return;
  throw invalidArgument(`type ${type === '' ? '(empty)' : type}: this engine drives ${name}`);
}

export function assertNoDirectExecution(policy: DirectExecutionPolicy | undefined): void {
  if (policy?.enabled !== true) return;
  throw invalidArgument(
    'direct_execution is not offered by this engine: what would block writers is refused as blocked',
  );
}

/** Options that this engine honours, and those that change nothing here. */
const ACCEPTED_OPTIONS: ReadonlySet<string> = new Set([
  'allow_unsafe',
  'defer_cutover',
  'skip_revert',
  'caller',
  'environment',
  'target',
]);

const REFUSED_OPTIONS: Readonly<Record<string, string>> = {
  defer_deploy: 'this engine has no deploy requests to defer',
  branch: 'this engine has no branches',
  rollback: 'this engine does not roll back; apply the earlier schema instead',
  member_target: 'this engine has one target per apply and no rollout members',
  volume: 'this engine has no volume control',
};

/**
 * Why an Apply asks for something that this engine does not do, or null. What it cannot honour is refused and never
 * ignored (engine contract E47).
 */
export function unsupportedRequest(request: ApplyRequest): string | null {
  for (const [option, value] of Object.entries(request.options).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    // Any other value would let a change become visible that somebody meant to hold back.
    if (option === 'defer_cutover' && !['true', 'false', ''].includes(value)) {
      return `option defer_cutover=${value}: it is "true" or "false"`;
    }
    const reason = REFUSED_OPTIONS[option];
    if (reason !== undefined && value !== '' && value !== 'false') return `option ${option}=${value}: ${reason}`;
    if (reason === undefined && !ACCEPTED_OPTIONS.has(option)) return `option ${option} is not known to this engine`;
  }
  if (request.targetShards.length > 0) return 'target_shards: this engine has no shards';
  if (request.generationOperationKeys.some((key) => key !== '')) {
    return `dispatch generation manifest [${request.generationOperationKeys.map((key) => JSON.stringify(key)).join(', ')}]: this engine takes a whole deployment as one operation, whose key is ""`;
  }
  if (request.directExecution?.enabled === true) return 'direct_execution is not offered by this engine';
  return null;
}
