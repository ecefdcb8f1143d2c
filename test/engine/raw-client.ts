import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { FindApplyRequest, type FindApplyResponse, LookupClient } from '../../proto/gen/lookup.js';
import {
  ApplyRequest,
  type ApplyResponse,
  CancelRequest,
  type CancelResponse,
  CutoverRequest,
  type CutoverResponse,
  type HealthResponse,
  LogsRequest,
  type LogsResponse,
  type PlanDiffResponse,
  PlanRequest,
  type PlanResponse,
  ProgressRequest,
  type ProgressResponse,
  StartRequest,
  type StartResponse,
  State,
  StopRequest,
  type StopResponse,
  TernClient,
} from '../../proto/gen/tern.js';
import { until } from '../support/until.js';

/** Files by name, by namespace. */
export type Files = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What every request of these tests shares unless it says otherwise. */
export const COMMON = { database: 'orders', type: 'postgres', environment: 'production' } as const;

const DEADLINE_MS = 30_000;

/** The generated client with promises: nothing between a test and the wire. */
export class RawClient {
  readonly tern: TernClient;
  readonly lookup: LookupClient;
  readonly #deadlineMs: number;

  constructor(address: string, deadlineMs = DEADLINE_MS) {
    this.#deadlineMs = deadlineMs;
    // Each client its own connection, so that a test which breaks one breaks no other.
    const options = { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': 16 * 1024 * 1024 };
    this.tern = new TernClient(address, credentials.createInsecure(), options);
    this.lookup = new LookupClient(address, credentials.createInsecure(), options);
  }

  close(): void {
    this.tern.close();
    this.lookup.close();
  }

  health(): Promise<HealthResponse> {
    return this.#call((done) => this.tern.health({}, this.#metadata(), this.#deadline(), done));
  }

  plan(target: string, files: Files, more: Partial<PlanRequest> = {}): Promise<PlanResponse> {
    const request = PlanRequest.fromPartial({ ...COMMON, target, schemaFiles: onWire(files), ...more });
    return this.#call((done) => this.tern.plan(request, this.#metadata(), this.#deadline(), done));
  }

  planDiff(target: string, files: Files, more: Partial<PlanRequest> = {}): Promise<PlanDiffResponse> {
    const request = PlanRequest.fromPartial({ ...COMMON, target, schemaFiles: onWire(files), ...more });
    return this.#call((done) => this.tern.planDiff(request, this.#metadata(), this.#deadline(), done));
  }

  apply(request: Partial<ApplyRequest>): Promise<ApplyResponse> {
    const complete = ApplyRequest.fromPartial({ ...COMMON, caller: 'tester', ...request });
    return this.#call((done) => this.tern.apply(complete, this.#metadata(), this.#deadline(), done));
  }

  progress(applyId: string, more: Partial<ProgressRequest> = {}): Promise<ProgressResponse> {
    const request = ProgressRequest.fromPartial({ applyId, ...more });
    return this.#call((done) => this.tern.progress(request, this.#metadata(), this.#deadline(), done));
  }

  logs(applyId: string, limit = 0): Promise<LogsResponse> {
    const request = LogsRequest.fromPartial({ applyId, limit });
    return this.#call((done) => this.tern.logs(request, this.#metadata(), this.#deadline(), done));
  }

  stop(applyId: string, caller = 'tester'): Promise<StopResponse> {
    const request = StopRequest.fromPartial({ applyId, caller });
    return this.#call((done) => this.tern.stop(request, this.#metadata(), this.#deadline(), done));
  }

  start(applyId: string): Promise<StartResponse> {
    const request = StartRequest.fromPartial({ applyId, caller: 'tester' });
    return this.#call((done) => this.tern.start(request, this.#metadata(), this.#deadline(), done));
  }

  cancel(applyId: string): Promise<CancelResponse> {
    const request = CancelRequest.fromPartial({ applyId, caller: 'tester' });
    return this.#call((done) => this.tern.cancel(request, this.#metadata(), this.#deadline(), done));
  }

  cutover(applyId: string, applyOperationId = ''): Promise<CutoverResponse> {
    const request = CutoverRequest.fromPartial({ applyId, applyOperationId, caller: 'tester' });
    return this.#call((done) => this.tern.cutover(request, this.#metadata(), this.#deadline(), done));
  }

  skipRevert(applyId: string): Promise<CutoverResponse> {
    return this.#call((done) =>
      this.tern.skipRevert({ applyId, environment: '' }, this.#metadata(), this.#deadline(), done),
    );
  }

  revert(applyId: string): Promise<CutoverResponse> {
    return this.#call((done) =>
      this.tern.revert({ applyId, environment: '' }, this.#metadata(), this.#deadline(), done),
    );
  }

  findApply(idempotencyKey: string, target = ''): Promise<FindApplyResponse> {
    const request = FindApplyRequest.fromPartial({ idempotencyKey, target });
    return this.#call((done) => this.lookup.findApply(request, this.#metadata(), this.#deadline(), done));
  }

  /** Waits until the apply is in one of these states, and gives that answer. */
  untilState(applyId: string, states: readonly State[], deadlineMs = 20_000): Promise<ProgressResponse> {
    return until(async () => {
      const answer = await this.progress(applyId);
      return states.includes(answer.state) ? answer : null;
    }, deadlineMs);
  }

  /** Sends bytes as they are to any path. */
  raw(path: string, bytes: Uint8Array): Promise<Uint8Array> {
    return this.#call((done) =>
      this.tern.makeUnaryRequest(
        path,
        (value: Uint8Array) => Buffer.from(value),
        (value: Buffer) => new Uint8Array(value),
        bytes,
        this.#metadata(),
        this.#deadline(),
        done,
      ),
    );
  }

  #metadata() {
    return new Metadata();
  }

  #deadline() {
    return { deadline: Date.now() + this.#deadlineMs };
  }

  #call<Response>(
    send: (done: (error: ServiceError | null, response?: Response) => void) => unknown,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      send((error, response) => {
        if (error !== null) reject(error);
        else if (response === undefined) reject(new Error('an answer without a message'));
        else resolve(response);
      });
    });
  }
}

export const ENDED: readonly State[] = [
  State.STATE_COMPLETED,
  State.STATE_FAILED,
  State.STATE_STOPPED,
  State.STATE_CANCELLED,
];

export function onWire(files: Files): Record<string, { files: Record<string, string> }> {
  return Object.fromEntries(Object.entries(files).map(([namespace, inside]) => [namespace, { files: { ...inside } }]));
}

/** The name of the gRPC status that a call ends with; `OK` when it ends well. */
export async function statusOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'OK';
  } catch (error) {
    return error instanceof Error && 'code' in error ? (status[Number(error.code)] ?? 'unknown') : 'no status';
  }
}
