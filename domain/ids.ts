/**
 * Names and ids: how each is built, and what a name may look like. Everything here is a pure function of its
 * parameters; nothing hashes or draws random numbers.
 */

/** What a deployment, target, database, environment or apply may be called (design 1). */
export const NAME_PATTERN = /^[A-Za-z0-9._-]{1,63}$/;

export const NAME_RULE = '1 to 63 characters of A-Z, a-z, 0-9, ".", "_" and "-"';

export function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME_PATTERN.test(value);
}

/** Task queue of workflows, and the prefix of the queues of calls and watches, unless a deployment names another. */
export const DEFAULT_QUEUE = 'skein';

/** Dispatch and every control of the deployments of one queue. Kept apart so that a Stop never waits behind a watch. */
export function callsQueue(queue: string): string {
  return `${queue}-calls`;
}

/** The long watches of the deployments of one queue. */
export function watchQueue(queue: string): string {
  return `${queue}-watch`;
}

/**
 * The workflow id of an operation is its target, so that Temporal itself guarantees one live operation per target
 * across all applies (I11), and the runs of that id are the target's change log. Four names make at most 255 characters.
 */
export function operationWorkflowId(params: {
  readonly environment: string;
  readonly database: string;
  readonly deployment: string;
  readonly target: string;
}): string {
  return `${params.environment}/${params.database}/${params.deployment}/${params.target}`;
}

/**
 * The key that makes repeats of one attempt harmless: the same for every repeat, another for every attempt (I1, C02).
 * `planDigest` is hexadecimal; its first 12 digits enter the key.
 */
export function idempotencyKey(params: {
  readonly applyId: string;
  readonly planDigest: string;
  readonly deployment: string;
  readonly attempt: number;
}): string {
  return `skein/${params.applyId}/${params.planDigest.slice(0, 12)}/${params.deployment}/${params.attempt}`;
}

/** Puts behind a message which operation it is about: deployment, remote apply id or `none`, attempt (design 4.6). */
export function withOperationIds(
  message: string,
  ids: { readonly deployment: string; readonly remoteApplyId: string | null; readonly attempt: number },
): string {
  return `${message} [deployment ${ids.deployment}, remote apply ${ids.remoteApplyId ?? 'none'}, attempt ${ids.attempt}]`;
}

/** Memo keys of applies and operations. Memos are not encrypted by a codec, so only ids and digests. */
export const MEMO_APPLY = 'apply';
export const MEMO_SPEC_DIGEST = 'specDigest';

/** The signal that halts an operation, by name: whoever holds a target is stopped by it. */
export const STOP_SIGNAL = 'stop';
