import { ActivityCancellationDetails } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { ActivityPorts } from '../../activities/ports.js';
import type { DispatchInput, OperationScope, RemoteInput } from '../../activities/contract.js';
import { TIMINGS, type Timings } from '../../activities/timings.js';
import type { Observation } from '../../domain/observation.js';
import type { TableChange } from '../../domain/plan.js';
import { type Engine, EngineFailure } from '../../tern/engine.js';

export const CHANGE: TableChange = {
  namespace: 'public',
  table: 'orders',
  ddl: 'CREATE TABLE orders (id bigint)',
  changeType: 'create',
  unsafe: false,
  unsafeReason: '',
  blocked: false,
  modeReason: '',
  estimatedRows: null,
};

export const SCOPE: OperationScope = {
  applyId: 'orders-7f3a',
  applyRunId: 'run-1',
  deployment: 'eu',
  target: 'orders_eu',
  database: 'orders',
  type: 'postgres',
  environment: 'production',
  planId: 'plan-1',
  planDigest: '0123456789abcdef',
  attempt: 0,
  startedAt: '2026-11-22T07:00:00.000Z',
  caller: 'ann',
};

export const REMOTE: RemoteInput = { scope: SCOPE, remoteApplyId: 'apply-1', remoteOperationId: '11' };

export const DISPATCH: DispatchInput = {
  scope: SCOPE,
  idempotencyKey: 'skein/orders-7f3a/0123456789ab/eu/0',
  allowUnsafe: false,
  deferCutover: false,
};

export function observation(state: Observation['state'], given: Partial<Observation> = {}): Observation {
  const progress = { percent: null, rowsCopied: null, rowsTotal: null, etaSeconds: null };
  return { state, phase: null, message: '', detail: '', progress, parkedUntil: null, settledControls: [], ...given };
}

export function failure(type: EngineFailure['type'], message = `scripted ${type}`): EngineFailure {
  return new EngineFailure({ type, message });
}

/** What a call gives: a value, or an error that it rejects with; of several, one after the other, the last for ever. */
type Answers<Method extends keyof Engine> = readonly (Awaited<ReturnType<Engine[Method]>> | EngineFailure)[];

/** An engine that answers from lists and remembers, by name, what it was asked. What has no list was not expected. */
export class FakeEngine {
  readonly calls: string[] = [];
  readonly engine: Engine;

  constructor(answers: { readonly [Method in keyof Engine]?: Answers<Method> }) {
    const answer =
      <Method extends Exclude<keyof Engine, 'close'>>(method: Method) =>
      async (): Promise<Awaited<ReturnType<Engine[Method]>>> => {
        const list: Answers<Method> | undefined = answers[method];
        const before = this.count(method);
        this.calls.push(method);
        const given = list?.[Math.min(before, list.length - 1)];
        if (list === undefined || given instanceof EngineFailure)
          throw given ?? new Error(`the engine was not expected to be asked for ${method}`);
        return given as Awaited<ReturnType<Engine[Method]>>; // from the list of this very method
      };
    this.engine = {
      ready: answers.ready === undefined ? async () => undefined : answer('ready'),
      health: answer('health'),
      comparesBeforeApply: answers.comparesBeforeApply === undefined ? async () => true : answer('comparesBeforeApply'),
      plan: answer('plan'),
      planDiff: answer('planDiff'),
      apply: answer('apply'),
      findApply: answer('findApply'),
      progress: answer('progress'),
      stop: answer('stop'),
      start: answer('start'),
      cancel: answer('cancel'),
      cutover: answer('cutover'),
      revert: answer('revert'),
      skipRevert: answer('skipRevert'),
      logs: answer('logs'),
      close: () => undefined,
    };
  }

  count(method: keyof Engine): number {
    return this.calls.filter((call) => call === method).length;
  }
}

/** Ports with one engine, a plan of one statement, and short times. */
export function portsOf({ engine }: Pick<FakeEngine, 'engine'>, timings: Partial<Timings> = {}): ActivityPorts {
  return {
    engines: { engineFor: () => engine, addressDigest: () => 'digest' },
    plans: {
      fetch: () => Promise.resolve({ changes: [CHANGE], schemaFiles: { public: { 'orders.sql': `${CHANGE.ddl};` } } }),
    },
    operations: { describe: askNoWorkflow, stop: askNoWorkflow, outcome: askNoWorkflow },
    timings: { ...TIMINGS, beatMs: 10, missingAgainMs: 1, unansweredAgainMs: 1, verifyAgainMs: 1, ...timings },
  };
}

function askNoWorkflow(): Promise<never> {
  return Promise.reject(new Error('no workflow was expected to be asked'));
}

/** One attempt of an activity, outside of any worker. */
export interface Attempt {
  /** Every heartbeat so far, oldest first. */
  readonly beats: readonly Readonly<Record<string, unknown>>[];
  run<Input, Answer>(activity: (input: Input) => Promise<Answer>, input: NoInfer<Input>): Promise<Answer>;
  /** By the workflow, unless told otherwise. */
  readonly cancel: MockActivityEnvironment['cancel'];
}

/** Scheduled now, unless told otherwise. */
export function attempt(info: ConstructorParameters<typeof MockActivityEnvironment>[0] = {}): Attempt {
  const logger = new DefaultLogger('ERROR');
  const environment = new MockActivityEnvironment({ scheduledTimestampMs: Date.now(), ...info }, { logger });
  const beats: Readonly<Record<string, unknown>>[] = [];
  environment.on('heartbeat', (details: Readonly<Record<string, unknown>>) => beats.push(details));
  return {
    beats,
    run: (activity, input) => environment.run(activity, input),
    cancel: (reason, details) => environment.cancel(reason, details),
  };
}

/** The worker is being shut down: not a word from the workflow. */
export const SHUTDOWN = new ActivityCancellationDetails({ workerShutdown: true });
