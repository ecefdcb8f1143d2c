import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { FAILURES, type FailureType } from '../domain/failure.js';
import { EngineFailure } from '../tern/engine.js';

/** The one place where a failure becomes Temporal's. Its type is the key of the closed list; retrying is in the table. */
export function toApplicationFailure(failure: EngineFailure): ApplicationFailure {
  return withoutStack(
    ApplicationFailure.create({
      type: failure.type,
      message: failure.message,
      nonRetryable: FAILURES[failure.type].retry === 'never',
    }),
  );
}

/** Ends this attempt without a slot or an event in history; the next look comes after `delayMs` (temporal 4, B). */
export function lookAgain(delayMs: number, details: string): ApplicationFailure {
  const type: FailureType = 'LookAgain';
  return withoutStack(
    ApplicationFailure.create({
      type,
      message: details,
      nextRetryDelay: delayMs,
      category: ApplicationFailureCategory.BENIGN,
    }),
  );
}

/** Histories and the UI show no source paths (design 3). */
export function withoutStack<Failure extends Error>(failure: Failure): Failure {
  failure.stack = '';
  return failure;
}

/** Anything thrown by an engine call, as an engine failure; a bug keeps its own kind and is thrown on. */
export function asEngineFailure(error: unknown): EngineFailure {
  if (error instanceof EngineFailure) return error;
  throw error;
}
