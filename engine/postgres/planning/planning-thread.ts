import { Worker } from 'node:worker_threads';
import { status } from '@grpc/grpc-js';
import { CallFailure, ConfigurationError, unavailable } from '../../errors.js';
import type { PlanInput, SchemaProblems } from '../../target.js';
import type { Comparison, StoredSchema } from './planner.js';
import type {
  PlannedTarget,
  PlanningFailure,
  PlanningReply,
  PlanningRequest,
  PlanningWork,
} from './planning-messages.js';

/** Beyond it the thread ends, and not the engine. A plan of 1,000 new tables takes a quarter of it. */
const HEAP_MEBIBYTES_MAX = 768;
/** Most of what a comparison makes is gone a moment later. */
const YOUNG_MEBIBYTES = 64;
const HOLD_MAX_MS = 60_000;
/** Looks that find nothing new before a thread counts as held. Looks, and not a clock: it may be the engine that was held. */
const SILENT_LOOKS_MAX = 30;
/** A thread that starts has its files to load, which takes its time on a busy machine. */
const START_LOOKS_MAX = 10 * SILENT_LOOKS_MAX;

export interface PlanningThreadOptions {
  /** The compiled file that the thread runs. Default: the product's own. */
  readonly entry?: URL;
  /** Milliseconds for which one piece of work may hold the thread before it is ended and replaced. Default 60,000. */
  readonly holdMaxMs?: number;
  /** Mebibytes that the thread may use. Default 768. */
  readonly heapMebibytesMax?: number;
}

interface Call {
  readonly id: number;
  readonly target: PlannedTarget;
  readonly work: PlanningWork;
  readonly resolve: (answer: Comparison | SchemaProblems) => void;
  readonly reject: (error: Error) => void;
  /** It was under way, among others, when a thread ended. It runs alone now, so that only the guilty one fails. */
  isSuspect: boolean;
}

/**
 * Plans in a thread of its own, so that the engine goes on answering. A thread that dies is replaced: what it was planning
 * is tried once more, one at a time, and only the plan that a thread dies of is INTERNAL.
 */
export class PlanningThread {
  readonly #options: Required<PlanningThreadOptions>;
  readonly #underWay = new Map<number, Call>();
  #waiting: Call[] = [];
  #worker: Worker | null = null;
  #silentLooks = 0;
  #hasSpoken = false;
  #look: NodeJS.Timeout | null = null;
  #lastId = 0;
  #isClosed = false;

  constructor(options: PlanningThreadOptions = {}) {
    this.#options = {
      entry: options.entry ?? ownEntry(),
      holdMaxMs: options.holdMaxMs ?? HOLD_MAX_MS,
      heapMebibytesMax: options.heapMebibytesMax ?? HEAP_MEBIBYTES_MAX,
    };
  }

  /** Starts the thread ahead of the first plan. */
  begin(): void {
    this.#worker ??= this.#start();
  }

  /** As `Target.plan`. Rejects with CANCELLED when `signal` says that nobody waits any more. */
  plan(target: PlannedTarget, input: PlanInput, signal?: AbortSignal): Promise<Comparison | SchemaProblems> {
    return this.#ask(target, { kind: 'plan', input }, signal);
  }

  /** As `Target.planAgain`. */
  async planAgain(target: PlannedTarget, stored: StoredSchema, signal?: AbortSignal): Promise<Comparison | null> {
    const answer = await this.#ask(target, { kind: 'plan_again', stored }, signal);
    return answer.kind === 'planned' ? answer : null;
  }

  /** Ends the thread. What it was asked for is UNAVAILABLE. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const call of [...this.#underWay.values(), ...this.#waiting]) call.reject(unavailable(CLOSING));
    this.#underWay.clear();
    this.#waiting = [];
    const worker = this.#forgetWorker();
    await worker?.terminate();
  }

  #ask(target: PlannedTarget, work: PlanningWork, signal?: AbortSignal): Promise<Comparison | SchemaProblems> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw unavailable(CLOSING);
      const call: Call = { id: (this.#lastId += 1), target, work, resolve, reject, isSuspect: false };
      signal?.addEventListener('abort', () => this.#drop(call), { once: true });
      if (signal?.aborted === true) throw noLongerWanted();
      this.#waiting.push(call);
      this.#admit();
    });
  }

  #admit(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const isAlone = next.isSuspect || [...this.#underWay.values()].some((call) => call.isSuspect);
      if (isAlone && this.#underWay.size > 0) return;
      this.#waiting.shift();
      if (this.#underWay.size === 0) this.#watch();
      this.#underWay.set(next.id, next);
      this.#post({ kind: 'call', id: next.id, target: next.target, work: next.work });
    }
  }

  #post(request: PlanningRequest): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(request, []);
  }

  #start(): Worker {
    const { entry, heapMebibytesMax } = this.#options;
    const worker = new Worker(entry, {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMebibytesMax, maxYoungGenerationSizeMb: YOUNG_MEBIBYTES },
    });
    let reason = 'it ended by itself';
    worker.on('message', (message: PlanningReply) => {
      this.#silentLooks = 0;
      this.#hasSpoken = true;
      this.#hear(message);
    });
    worker.on('error', (error: Error) => {
      reason = error.message;
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#replace(reason);
    });
    worker.unref();
    return worker;
  }

  #hear(message: PlanningReply): void {
    if (message.kind === 'alive') return;
    const call = this.#underWay.get(message.id);
    if (call === undefined) return;
    this.#end(call);
    if (message.kind === 'answer') call.resolve(message.answer);
    else call.reject(errorOf(message.failure));
  }

  #end(call: Call): void {
    this.#underWay.delete(call.id);
    if (this.#underWay.size === 0) this.#unwatch();
    this.#admit();
  }

  #drop(call: Call): void {
    if (this.#underWay.has(call.id)) {
      this.#worker?.postMessage({ kind: 'forget', id: call.id } satisfies PlanningRequest);
      this.#end(call);
    } else {
      this.#waiting = this.#waiting.filter((other) => other !== call);
    }
    call.reject(noLongerWanted());
  }

  /** The thread is gone. One that was planning alone is to blame; several are tried again, each alone. */
  #replace(reason: string): void {
    this.#forgetWorker();
    const lost = [...this.#underWay.values()];
    this.#underWay.clear();
    const [only] = lost;
    if (lost.length === 1 && only !== undefined) {
      only.reject(
        new CallFailure(
          status.INTERNAL,
          `target ${only.target.name}: the thread that planned for it ended: ${reason}. Nothing was changed and the engine goes on; a plan of fewer objects may pass`,
        ),
      );
    } else {
      for (const call of lost) call.isSuspect = true;
      this.#waiting.unshift(...lost);
    }
    this.#admit();
  }

  #forgetWorker(): Worker | null {
    const worker = this.#worker;
    this.#worker = null;
    this.#hasSpoken = false;
    this.#unwatch();
    return worker;
  }

  /** Ends a thread that says nothing although it has work: something holds it, and with it every plan. */
  #watch(): void {
    this.#silentLooks = 0;
    const { holdMaxMs } = this.#options;
    this.#look = setInterval(() => {
      this.#silentLooks += 1;
      if (this.#silentLooks < (this.#hasSpoken ? SILENT_LOOKS_MAX : START_LOOKS_MAX)) return;
      const worker = this.#forgetWorker();
      void worker?.terminate();
      this.#replace(`one piece of work held it for more than ${holdMaxMs} ms`);
    }, holdMaxMs / SILENT_LOOKS_MAX);
  }

  #unwatch(): void {
    if (this.#look !== null) clearInterval(this.#look);
    this.#look = null;
  }
}

const CLOSING = 'the engine is stopping and plans no more; send the same request to it when it is up again';

function noLongerWanted(): CallFailure {
  return new CallFailure(status.CANCELLED, 'the caller no longer waits for this plan');
}

function errorOf(failure: PlanningFailure): Error {
  if (failure.kind === 'call') return new CallFailure(failure.code, failure.message);
  if (failure.kind === 'configuration') return new ConfigurationError(failure.message);
  const error = new Error(failure.message);
  error.stack = failure.stack;
  return error;
}

/** Node cannot run TypeScript in a thread, so a test that imports the sources gets the compiled thread. */
function ownEntry(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(
    `${isSource ? '../../../dist/engine/postgres/planning' : '.'}/planning-thread-entry.js`,
    import.meta.url,
  );
}
