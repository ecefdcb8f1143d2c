import { status } from '@grpc/grpc-js';

/** The engine was started with something that cannot work. Exit code 78. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** No target database answers at start. Exit code 69. */
export class DatabaseUnreachable extends Error {
  override readonly name = 'DatabaseUnreachable';
}

/**
 * A call that ends with a gRPC status instead of a verdict (engine contract 2.1). `code` is the status; a reason of the
 * domain (busy, unsafe, …) is no such failure but an answer with `accepted = false`.
 */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly code: status;

  constructor(code: status, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The caller left out something that every such call needs, or named it wrongly (engine contract E07, E15). */
export function invalidArgument(message: string): CallFailure {
  return new CallFailure(status.INVALID_ARGUMENT, message);
}

/** A definite refusal that no repeat of the same request changes. */
export function failedPrecondition(message: string): CallFailure {
  return new CallFailure(status.FAILED_PRECONDITION, message);
}

export function notFound(message: string): CallFailure {
  return new CallFailure(status.NOT_FOUND, message);
}

/** The storage did not answer, so nobody can tell (design: unavailable is never "no"). */
export function unavailable(message: string, cause?: unknown): CallFailure {
  return new CallFailure(status.UNAVAILABLE, message, { cause });
}

/** Another apply took the target in this very moment. */
export class TargetTaken extends Error {
  override readonly name = 'TargetTaken';
}

/** The text of whatever was thrown. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
