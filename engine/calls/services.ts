import { status, type handleUnaryCall, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import type { LookupServer } from '../../proto/gen/lookup.js';
import type { TernServer } from '../../proto/gen/tern.js';
import { CallFailure } from '../errors.js';
import { apply } from './apply-call.js';
import { cancel, cutover, refuseControl, start, stop } from './control-calls.js';
import { findApply, health, logs } from './other-calls.js';
import { plan, planDiff } from './plan-calls.js';
import { progress } from './progress-call.js';
import type { EngineState } from './routing.js';

const NO_REVERT = 'this engine has no revert window: apply the earlier schema instead';

/** The handlers of tern.v1, and those calls of it that this engine does not have. */
export function ternHandlers(engine: EngineState): TernServer {
  const answer = answering(engine);
  return {
    health: answer('Health', () => health(engine)),
    plan: answer('Plan', (request, signal) => plan(engine, request, signal)),
    planDiff: answer('PlanDiff', (request, signal) => planDiff(engine, request, signal)),
    apply: answer('Apply', (request) => apply(engine, request)),
    progress: answer('Progress', (request) => progress(engine, request)),
    logs: answer('Logs', (request) => logs(engine, request)),
    stop: answer('Stop', (request) => stop(engine, request)),
    start: answer('Start', (request) => start(engine, request)),
    cancel: answer('Cancel', (request) => cancel(engine, request)),
    cutover: answer('Cutover', (request) => cutover(engine, request)),
    revert: answer('Revert', (request) => refuseControl(engine, request, NO_REVERT)),
    skipRevert: answer('SkipRevert', (request) => refuseControl(engine, request, NO_REVERT)),
    pullSchema: answer('PullSchema', () =>
      unimplemented('pull schema unsupported database type: this engine does not read schemas out'),
    ),
    storageSchemaPlan: answer('StorageSchemaPlan', () =>
      unimplemented('this engine keeps its storage up to date by itself'),
    ),
    storageSchemaApply: answer('StorageSchemaApply', () =>
      unimplemented('this engine keeps its storage up to date by itself'),
    ),
  };
}

export function lookupHandlers(engine: EngineState): LookupServer {
  return { findApply: answering(engine)('FindApply', (request) => findApply(engine, request)) };
}

function unimplemented(message: string): Promise<never> {
  return Promise.reject(new CallFailure(status.UNIMPLEMENTED, message));
}

/**
 * Turns a function into a handler that always answers: a failure becomes its status, and everything else INTERNAL
 * while the process goes on (engine contract 2.1, E05). The signal is for what is worth nothing to a caller who has hung up.
 */
function answering(engine: EngineState) {
  return <Request, Response>(
    name: string,
    handle: (request: Request, signal: AbortSignal) => Promise<Response>,
  ): handleUnaryCall<Request, Response> =>
    (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
      const gone = new AbortController();
      call.on('cancelled', () => gone.abort());
      // A synchronous throw inside becomes a rejection as well.
      const answered = Promise.resolve(call.request)
        .then((request) => handle(request, gone.signal))
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(statusOf(engine, name, error)),
        );
      engine.inFlight.add(answered);
      void answered.finally(() => engine.inFlight.delete(answered));
    };
}

function statusOf(engine: EngineState, call: string, error: unknown): { code: status; details: string } {
  if (error instanceof CallFailure) {
    engine.logger.info({ call, code: status[error.code], message: error.message }, 'call refused');
    return { code: error.code, details: error.message };
  }
  engine.logger.error({ call, err: error }, 'call failed');
  return { code: status.INTERNAL, details: error instanceof Error ? error.message : 'internal error; see server logs' };
}
