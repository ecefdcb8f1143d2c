import { ApplicationFailure } from '@temporalio/workflow';
import type { FailureType } from '../domain/failure.js';

/** Fails a run with its result as the detail. Made without a stack: histories and the UI show no source paths (design 3). */
export function failedRun(type: FailureType, message: string, ...details: unknown[]): ApplicationFailure {
  const failure = ApplicationFailure.create({ type, message, nonRetryable: true, details });
  failure.stack = '';
  return failure;
}
