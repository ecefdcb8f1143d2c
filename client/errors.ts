import { WorkflowNotFoundError, isGrpcServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';

/**
 * The closed list of what a caller of this library can meet, apart from defects. Each is one thing a person can do
 * something about; the command line maps each to an exit code.
 */
export const SKEIN_ERRORS = {
  /** The spec, its schema folder or a plan file breaks a rule; nothing was started. */
  invalid_spec: 'bad spec',
  /** The apply id is in use for something else; nothing was started. */
  conflict: 'conflict',
  /** The plan must not be applied as it stands: drift, blocked or unsafe statements, or it is not the reviewed one. */
  plan_refused: 'plan refused',
  /** The control is not allowed now; nothing was changed. */
  refused: 'refused',
  /** There is no such apply within the namespace's retention. */
  unknown_apply: 'unknown apply',
  /** The server, a worker or an engine does not answer. What was asked may take effect when it does. */
  unavailable: 'unavailable',
  /** The connection settings are wrong, or the server does not let this client in. */
  configuration: 'configuration',
} as const satisfies Record<string, string>;

export type SkeinErrorKind = keyof typeof SKEIN_ERRORS;

/** What every method of `SkeinClient` rejects with, unless it is a defect. The message says what to do next. */
export class SkeinError extends Error {
  readonly kind: SkeinErrorKind;
  /** One entry per problem where there are several; empty otherwise. */
  readonly problems: readonly string[];

  constructor(
    kind: SkeinErrorKind,
    message: string,
    options: { readonly problems?: readonly string[]; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'SkeinError';
    this.kind = kind;
    this.problems = options.problems ?? [];
  }
}

/** Where this client is connected, for messages. */
export interface ServerPlace {
  readonly address: string;
  readonly namespace: string;
}

/** Runs `call` and turns what the Temporal client throws into what a person should do; defects pass through unchanged. */
export async function explaining<T>(place: ServerPlace, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw explainServerError(error, place);
  }
}

/** See `explaining`. Errors that are already explained, and those that are none of the server's, come back as they are. */
export function explainServerError(error: unknown, place: ServerPlace): unknown {
  if (error instanceof SkeinError) return error;
  if (error instanceof NamespaceNotFoundError) return namespaceMissing(error, place);
  if (error instanceof WorkflowNotFoundError)
    return new SkeinError(
      'unknown_apply',
      `no apply ${error.workflowId} in namespace ${place.namespace}; \`list\` shows those there are`,
      { cause: error },
    );
  const service = serviceErrorOf(error);
  if (service === null) return error;
  switch (service.code) {
    case STATUS.UNAVAILABLE:
    case STATUS.DEADLINE_EXCEEDED:
      return noServer(place, service.details, error);
    case STATUS.RESOURCE_EXHAUSTED:
      return new SkeinError(
        'unavailable',
        `the Temporal server at ${place.address} is overloaded (${service.details}); try again in a moment`,
        { cause: error },
      );
    case STATUS.UNAUTHENTICATED:
    case STATUS.PERMISSION_DENIED:
      return new SkeinError(
        'configuration',
        `the Temporal server at ${place.address} does not let this client into namespace ${place.namespace} (${service.details}); check TEMPORAL_API_KEY, TEMPORAL_TLS_* or the profile named by TEMPORAL_PROFILE`,
        { cause: error },
      );
    default:
      return error;
  }
}

/** No server answered at all. */
export function noServer(place: ServerPlace, reason: string, cause: unknown): SkeinError {
  return new SkeinError(
    'unavailable',
    `no Temporal server answers at ${place.address} (${reason || 'no connection'}); start one with \`skein dev\`, or point TEMPORAL_ADDRESS or TEMPORAL_PROFILE at yours`,
    { cause },
  );
}

/** The server answers and nobody takes up the work. */
export function noWorker(params: {
  readonly place: ServerPlace;
  readonly taskQueue: string;
  readonly consequence: string;
  readonly cause?: unknown;
}): SkeinError {
  const { place, taskQueue, consequence } = params;
  return new SkeinError(
    'unavailable',
    `no worker answers on task queue ${taskQueue} in namespace ${place.namespace} at ${place.address}; ${consequence}. Start one with \`skein worker --config skein.yaml\``,
    { cause: params.cause },
  );
}

function namespaceMissing(error: NamespaceNotFoundError, place: ServerPlace): SkeinError {
  return new SkeinError(
    'unavailable',
    `the Temporal server at ${place.address} has no namespace "${error.namespace}"; set TEMPORAL_NAMESPACE to one it has, or create it with \`temporal operator namespace create --namespace ${error.namespace}\``,
    { cause: error },
  );
}

/** The gRPC status codes that mean something to us (grpc/doc/statuscodes.md). */
const STATUS = {
  CANCELLED: 1,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

function serviceErrorOf(error: unknown): { readonly code: number; readonly details: string } | null {
  if (isGrpcServiceError(error)) return { code: error.code, details: error.details };
  if (error instanceof Error && error.cause !== undefined) return serviceErrorOf(error.cause);
  return null;
}

/** Whether an update or query went unanswered, as opposed to refused: its deadline passed, or there is nobody to ask. */
export function isUnanswered(error: unknown): boolean {
  if (error instanceof Error && error.name === 'WorkflowUpdateRPCTimeoutOrCancelledError') return true;
  const code = serviceErrorOf(error)?.code;
  // CANCELLED is what the server says of a query whose worker died while it was asked.
  return code === STATUS.DEADLINE_EXCEEDED || code === STATUS.FAILED_PRECONDITION || code === STATUS.CANCELLED;
}
