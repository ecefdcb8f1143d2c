import type { Client } from '@temporalio/client';
import { decodeFromPayloadsAtIndex } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { PlanMaterial, PlanSource } from '../activities/ports.js';
import type { ApplyInput } from '../domain/apply.js';

/** Plans kept in memory; one apply rarely has more than a handful of classes. */
const PLANS_MAX = 64;

/** Reads a plan from the one place where it stands: the first event of the apply's run (design 3, Size). */
export class HistoryPlanSource implements PlanSource {
  readonly #client: Client;
  /** Promises, so that many operations that ask at once share one read. Oldest first. */
  readonly #plans = new Map<string, Promise<PlanMaterial>>();

  constructor(client: Client) {
    this.#client = client;
  }

  async fetch(params: Parameters<PlanSource['fetch']>[0]): Promise<PlanMaterial> {
    const key = `${params.applyId}/${params.applyRunId}/${params.planDigest}`;
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const reading = this.#read(params);
    this.#plans.set(key, reading);
    for (const oldest of [...this.#plans.keys()].slice(0, -PLANS_MAX)) this.#plans.delete(oldest);
    // A read that failed is not kept: the next attempt reads again.
    reading.catch(() => this.#plans.delete(key));
    return reading;
  }

  async #read(params: Parameters<PlanSource['fetch']>[0]): Promise<PlanMaterial> {
    const { history } = await this.#client.workflowService.getWorkflowExecutionHistory({
      namespace: this.#client.options.namespace,
      execution: { workflowId: params.applyId, runId: params.applyRunId },
      maximumPageSize: 1,
    });
    const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
    const input = await decodeFromPayloadsAtIndex<ApplyInput>(
      this.#client.options.loadedDataConverter,
      0,
      started?.input?.payloads,
    );
    const planClass = input.plan.classes.find((candidate) => candidate.digest === params.planDigest);
    if (planClass === undefined)
      throw new Error(`apply ${params.applyId} run ${params.applyRunId} has no plan ${params.planDigest}`);
    return { changes: planClass.changes, schemaFiles: input.plan.schemaFiles };
  }
}
