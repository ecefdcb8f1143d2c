import { Context } from '@temporalio/activity';
import type { LiveDetail } from '../domain/live.js';
import { type Baseline, baselineOf } from '../domain/verification.js';
import type { Engine } from '../tern/engine.js';
import { abandonable } from './beat.js';
import type { OperationScope } from './contract.js';
import { asEngineFailure } from './failure.js';
import type { PlanMaterial } from './ports.js';
import { readChangesLeft } from './verify-plan.js';

/** Reads without any answer before the dispatch goes ahead without a baseline: a person waits, and nothing unsafe follows. */
const UNANSWERED_READS_MAX = 3;

/**
 * What the target's diff held right before the first send: what was there then cannot come from this plan (design 4.5). Read
 * once per dispatch, and never once anything may have been sent.
 */
export class BaselineReader {
  readonly #scope: OperationScope;
  readonly #plan: PlanMaterial;
  readonly #show: (change: Partial<LiveDetail>) => void;
  #unanswered = 0;
  /** Undefined until it is settled what is known. */
  #baseline: Baseline | undefined;

  /** `earlier` is what an earlier attempt of the activity left; undefined where it left nothing. */
  constructor(params: {
    readonly scope: OperationScope;
    readonly plan: PlanMaterial;
    readonly show: (change: Partial<LiveDetail>) => void;
    readonly earlier: Baseline | undefined;
    /** An earlier workflow may have sent the same apply. */
    readonly perhapsSent: boolean;
  }) {
    this.#scope = params.scope;
    this.#plan = params.plan;
    this.#show = params.show;
    // A heartbeat that says nothing proves nothing: an earlier attempt may have sent, and its mark may be lost.
    const isFirst = Context.current().info.attempt === 1 && !params.perhapsSent;
    this.#baseline = params.earlier ?? (isFirst ? undefined : null);
  }

  get baseline(): Baseline {
    return this.#baseline ?? null;
  }

  /**
   * Reads it, unless it is settled already. Rejects with `Unreachable` or `Ambiguous` where the engine is to be asked again;
   * an engine that answers with any other error has said that there is none.
   */
  async read(engine: Engine): Promise<void> {
    if (this.#baseline !== undefined) return;
    // Its Apply compares the live schema with the reviewed plan, so that at the first send the diff is the plan.
    const { cancellationSignal: signal } = Context.current();
    if (await abandonable(engine.comparesBeforeApply(), signal)) {
      this.#baseline = [];
      return;
    }
    this.#show({ detail: 'reads what is different already, before it sends the apply' });
    try {
      const reading = readChangesLeft(engine, this.#scope, this.#plan);
      const changes = await abandonable(reading, signal);
      this.#baseline = baselineOf(this.#plan.changes, changes);
      this.#show({ detail: '' });
    } catch (error) {
      const failure = asEngineFailure(error);
      if (failure.type === 'Ambiguous') this.#unanswered += 1;
      const isAskedAgain = failure.type === 'Ambiguous' && this.#unanswered < UNANSWERED_READS_MAX;
      if (failure.type === 'Unreachable' || isAskedAgain || signal.aborted) throw failure;
      this.#baseline = null;
      this.#show({
        detail: `goes ahead without knowing what is different already: ${failure.message}`,
      });
    }
  }
}
