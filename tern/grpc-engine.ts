import type { EngineLog } from '../domain/log.js';
import type { Observation } from '../domain/observation.js';
import type { Plan, PlanDifference } from '../domain/plan.js';
import type { ProgressResponse } from '../proto/gen/tern.js';
import { type Call, CALLS } from './calls.js';
import { decodeObservation, missingObservation } from './codec.js';
import { type BrokenAnswer, decodeApplyAnswer, decodeLog, encodeApplyRequest } from './codec-apply.js';
import { decodePlan, decodePlanDifference, encodePlanRequest } from './codec-plan.js';
import type { Endpoint } from './connection.js';
import {
  type ApplyAnswer,
  type ApplyRequest,
  type ControlAnswer,
  type ControlRequest,
  type Engine,
  EngineFailure,
  type EngineHealth,
  type FindApplyAnswer,
  type LogsRequest,
  type PlanRequest,
  type RemoteApplyReference,
} from './engine.js';
import { engineFailure, type Subject } from './failure.js';
import type { Patience } from './limits.js';
import { decodeFindApply, offersLookup } from './lookup.js';
import { Session } from './session.js';
import { cleanText } from './text.js';

/** An engine over gRPC. See the port for the meaning of every method; here is how the wire says it. */
export class GrpcEngine implements Engine {
  readonly #deployment: string;
  readonly #address: string;
  readonly #session: Session;

  constructor(params: {
    readonly deployment: string;
    readonly endpoint: Endpoint;
    readonly patience: Patience;
  }) {
    this.#deployment = params.deployment;
    this.#address = params.endpoint.address;
    this.#session = new Session(params);
  }

  async ready(params: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<void> {
    await this.#session.establish({ ...params, subject: this.#subject('the request', null) });
  }

  async health(): Promise<EngineHealth> {
    const subject = this.#subject('Health', null);
    const { dialect } = await this.#session.establish({ subject });
    const { status, version, capabilities } = await this.#session.send({ call: CALLS.health, request: {}, subject });
    return { status, version, capabilities, dialect };
  }

  async comparesBeforeApply(): Promise<boolean> {
    return offersLookup(await this.#session.establish({ subject: this.#subject('Apply', null) }));
  }

  async plan(request: PlanRequest): Promise<Plan> {
    const plan = decodePlan(await this.#send(CALLS.plan, encodePlanRequest(request), null));
    if (plan.planId !== '' || plan.errors.length > 0) return plan;
    throw this.#broken('Plan', null, 'a plan without an id and without errors');
  }

  async planDiff(request: PlanRequest): Promise<PlanDifference> {
    return decodePlanDifference(await this.#send(CALLS.planDiff, encodePlanRequest(request), null));
  }

  async apply(request: ApplyRequest): Promise<ApplyAnswer> {
    this.#require('Apply', null, {
      'plan id': request.planId,
      environment: request.environment,
      'idempotency key': request.idempotencyKey,
    });
    const subject = this.#subject('Apply', null);
    const { dialect } = await this.#session.establish({ subject });
    const response = await this.#send(CALLS.apply, encodeApplyRequest(request), null);
    const answer = this.#believed('Apply', decodeApplyAnswer(response, this.#address));
    // A limited engine gives an operation id and then answers for the whole apply: it must not be asked by it.
    return answer.kind === 'accepted' && dialect === 'limited' ? { ...answer, remoteOperationId: null } : answer;
  }

  async findApply(params: { readonly idempotencyKey: string; readonly target: string }): Promise<FindApplyAnswer> {
    const { idempotencyKey, target } = params;
    this.#require('FindApply', null, { 'idempotency key': idempotencyKey, target });
    const subject = this.#subject('FindApply', null);
    const health = await this.#session.establish({ subject });
    if (!offersLookup(health)) return { kind: 'unsupported' };
    try {
      const response = await this.#send(CALLS.findApply, { idempotencyKey, target }, null);
      return this.#believed('FindApply', decodeFindApply(response));
    } catch (error) {
      if (error instanceof EngineFailure && error.status === 'UNIMPLEMENTED') return { kind: 'unsupported' };
      throw error;
    }
  }

  async progress(request: RemoteApplyReference): Promise<Observation> {
    const { remoteApplyId, environment } = request;
    const applyOperationId = await this.#scopeOf('Progress', request);
    try {
      const response = await this.#send(
        CALLS.progress,
        { applyId: remoteApplyId, environment, applyOperationId },
        remoteApplyId,
      );
      this.#checkEcho({ remoteApplyId, applyOperationId }, response);
      return decodeObservation(response, this.#address);
    } catch (error) {
      if (error instanceof EngineFailure && meansMissing(error, remoteApplyId))
        return missingObservation(error.message);
      throw error;
    }
  }

  async stop(request: ControlRequest): Promise<ControlAnswer> {
    return this.#control(CALLS.stop, request, controlFields(request));
  }

  async start(request: ControlRequest): Promise<ControlAnswer> {
    return this.#control(CALLS.start, request, controlFields(request));
  }

  async cancel(request: ControlRequest): Promise<ControlAnswer> {
    return this.#control(CALLS.cancel, request, controlFields(request));
  }

  async cutover(request: ControlRequest): Promise<ControlAnswer> {
    const applyOperationId = await this.#scopeOf('Cutover', request);
    return this.#control(CALLS.cutover, request, { ...controlFields(request), applyOperationId });
  }

  async revert(request: ControlRequest): Promise<ControlAnswer> {
    return this.#control(CALLS.revert, request, revertFields(request));
  }

  async skipRevert(request: ControlRequest): Promise<ControlAnswer> {
    return this.#control(CALLS.skipRevert, request, revertFields(request));
  }

  async logs(request: LogsRequest): Promise<readonly EngineLog[]> {
    const { remoteApplyId, environment, database, type, target, limit } = request;
    this.#require('Logs', remoteApplyId, { 'remote apply id': remoteApplyId });
    const wireRequest = { applyId: remoteApplyId, environment, database, type, target, limit };
    const response = await this.#send(CALLS.logs, wireRequest, remoteApplyId);
    return response.logs.map((log) => decodeLog(log, this.#address));
  }

  close(): void {
    this.#session.close();
  }

  async #control<Request, Response extends { readonly accepted: boolean; readonly errorMessage: string }>(
    call: Call<Request, Response>,
    { remoteApplyId, environment }: ControlRequest,
    request: Request,
  ): Promise<ControlAnswer> {
    this.#require(call.name, remoteApplyId, { 'remote apply id': remoteApplyId, environment });
    const { accepted, errorMessage } = await this.#send(call, request, remoteApplyId);
    if (accepted) return { kind: 'accepted' };
    return { kind: 'refused', message: cleanText(errorMessage, this.#address) || 'the engine gave no reason' };
  }

  /** The operation to ask for, or empty for an engine that cannot tell operations apart. */
  async #scopeOf(
    call: string,
    { remoteApplyId, environment, remoteOperationId }: RemoteApplyReference,
  ): Promise<string> {
    this.#require(call, remoteApplyId, { 'remote apply id': remoteApplyId, environment });
    if (remoteOperationId === null) return '';
    const subject = this.#subject(call, remoteApplyId);
    const { dialect } = await this.#session.establish({ subject });
    return dialect === 'full' ? remoteOperationId : '';
  }

  /** An answer about something else than was asked is not an answer (engine contract C26). No id at all is fine (C27). */
  #checkEcho(
    asked: { readonly remoteApplyId: string; readonly applyOperationId: string },
    { applyId, applyOperationId }: ProgressResponse,
  ): void {
    if (applyId !== '' && applyId !== asked.remoteApplyId) {
      throw this.#broken('Progress', asked.remoteApplyId, `the answer is about ${JSON.stringify(applyId)}`);
    }
    if (asked.applyOperationId !== '' && applyOperationId !== asked.applyOperationId) {
      const reason = `asked for operation ${asked.applyOperationId}, answered for ${applyOperationId || 'the whole apply'}`;
      throw this.#broken('Progress', asked.remoteApplyId, reason);
    }
  }

  #send<Request, Response>(
    call: Call<Request, Response>,
    request: Request,
    remoteApplyId: string | null,
  ): Promise<Response> {
    return this.#session.send({ call, request, subject: this.#subject(call.name, remoteApplyId) });
  }

  #believed<Answer extends { readonly kind: string }>(call: string, answer: Answer | BrokenAnswer): Answer {
    if (isBroken(answer)) throw this.#broken(call, null, answer.reason);
    return answer;
  }

  #broken(call: string, remoteApplyId: string | null, reason: string): EngineFailure {
    return engineFailure({ type: 'ContractBroken', subject: this.#subject(call, remoteApplyId), reason });
  }

  /** An empty id is never sent: some engines take it for "whatever is active" (engine contract C03). */
  #require(call: string, remoteApplyId: string | null, fields: Readonly<Record<string, string>>): void {
    const missing = Object.keys(fields).filter((name) => fields[name] === '');
    if (missing.length === 0) return;
    const subject = this.#subject(call, remoteApplyId === '' ? null : remoteApplyId);
    const reason = `not sent: ${missing.join(' and ')} must not be empty (engine contract C03)`;
    throw engineFailure({ type: 'EngineRefused', subject, reason });
  }

  #subject(call: string, remoteApplyId: string | null): Subject {
    return { deployment: this.#deployment, call, remoteApplyId };
  }
}

function controlFields({ remoteApplyId, environment, caller }: ControlRequest) {
  return { applyId: remoteApplyId, environment, caller };
}

/** The requests of the revert window have no field for who asked (engine contract 1.3). */
function revertFields({ remoteApplyId, environment }: ControlRequest) {
  return { applyId: remoteApplyId, environment };
}

/** An engine with several targets says INTERNAL for an id it does not know, with that id in the text (engine contract 7.16). */
function meansMissing(failure: EngineFailure, remoteApplyId: string): boolean {
  if (failure.type === 'RemoteApplyMissing') return true;
  return (
    failure.status === 'INTERNAL' && failure.reason.includes(remoteApplyId) && /\bnot found\b/.test(failure.reason)
  );
}

function isBroken(answer: { readonly kind: string }): answer is BrokenAnswer {
  return answer.kind === 'broken';
}
