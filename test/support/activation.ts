import { defaultPayloadConverter } from '@temporalio/common';
import proto, { type coresdk as Coresdk } from '@temporalio/proto';
import { parseWorkflowCode } from '@temporalio/worker/lib/worker.js';
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm.js';
import { afterAll } from 'vitest';
import { testWorkflowBundle } from './workflow-bundle.js';

const { coresdk } = proto;

type Command = Coresdk.workflow_commands.IWorkflowCommand;
type Job = Coresdk.workflow_activation.IWorkflowActivationJob;

/** What a workflow did in one activation, in words. */
export interface Activated {
  readonly commands: readonly Command[];
  /** Ids of the child workflows it started. */
  readonly started: readonly string[];
  /** `<signal> to <workflow id of the child>` for every signal it sent, sorted. */
  readonly signalled: readonly string[];
  /** Types of the activities it scheduled. */
  readonly scheduled: readonly string[];
  /** How many activities it asked to cancel. */
  readonly cancelledActivities: number;
  /** The result, if the run completed; undefined while it goes on. */
  readonly result: unknown;
  /** What each update was answered: `accepted`, `rejected: <reason>`, `completed`; in order. */
  readonly updates: readonly string[];
  /** What the queries were answered; a failed one is `{ failed: <reason> }`. */
  readonly answers: readonly unknown[];
  /** The type and first detail of the failure, if the run failed. */
  readonly failure: { readonly type: string; readonly detail: unknown } | null;
}

/**
 * Drives a workflow by hand, one activation at a time and without a server, so that a test decides exactly what arrives
 * together and in which order. Uses the worker's own virtual machine; the SDK's version is pinned for that.
 */
export async function openActivations() {
  const bundle = parseWorkflowCode(await testWorkflowBundle());
  const creator = await ReusableVMWorkflowCreator.create(bundle, 10_000, new Set());
  const opened: Run[] = [];
  afterAll(async () => {
    for (const run of opened) await run.dispose();
    await creator.destroy();
  });
  return {
    /** Creates a run; nothing happens before its first `activate`. */
    run: async (type: string, workflowId: string, input: unknown) => {
      const run = await Run.create(creator, { type, workflowId, runId: `run-${opened.length}`, input });
      opened.push(run);
      return run;
    },
  };
}

export class Run {
  readonly #workflow: Awaited<ReturnType<ReusableVMWorkflowCreator['createWorkflow']>>;
  readonly #runId: string;
  #first: Job | null;
  /** Each activation is at a moment of its own. */
  #nowMs = 0;
  readonly #childSequences = new Map<string, number>();
  readonly #activitySequences = new Map<string, number>();
  #updates = 0;

  private constructor(
    workflow: Awaited<ReturnType<ReusableVMWorkflowCreator['createWorkflow']>>,
    runId: string,
    first: Job,
  ) {
    this.#workflow = workflow;
    this.#runId = runId;
    this.#first = first;
  }

  static async create(
    creator: ReusableVMWorkflowCreator,
    of: { type: string; workflowId: string; runId: string; input: unknown },
  ): Promise<Run> {
    const now = new Date();
    const info = {
      workflowId: of.workflowId,
      runId: of.runId,
      firstExecutionRunId: of.runId,
      workflowType: of.type,
      taskQueue: 'skein',
      namespace: 'default',
      attempt: 1,
      searchAttributes: {},
      typedSearchAttributes: undefined,
      memo: {},
      historyLength: 3,
      historySize: 300,
      continueAsNewSuggested: false,
      startTime: now,
      runStartTime: now,
      taskTimeoutMs: 10_000,
      unsafe: { now: () => Date.now(), isReplaying: false, isReplayingHistoryEvents: false },
    };
    const options = {
      info,
      randomnessSeed: [1, 2, 3, 4, 5, 6, 7, 8],
      now: now.getTime(),
      showStackTraceSources: false,
    };
    const workflow = await creator.createWorkflow(options as unknown as Parameters<typeof creator.createWorkflow>[0]); // the parts of the info that our workflows read
    return new Run(workflow, of.runId, {
      initializeWorkflow: {
        workflowType: of.type,
        workflowId: of.workflowId,
        arguments: [payload(of.input)],
        firstExecutionRunId: of.runId,
        attempt: 1,
      },
    });
  }

  /** Delivers these jobs together. The first activation starts the workflow as well. */
  async activate(...jobs: readonly Job[]): Promise<Activated> {
    const all = this.#first === null ? jobs : [this.#first, ...jobs];
    this.#first = null;
    this.#nowMs = Math.max(Date.now(), this.#nowMs + 1);
    const activation = coresdk.workflow_activation.WorkflowActivation.fromObject({
      runId: this.#runId,
      timestamp: { seconds: Math.floor(this.#nowMs / 1_000), nanos: (this.#nowMs % 1_000) * 1_000_000 },
      jobs: [...all],
    });
    const completion = await this.#workflow.activate(activation);
    const decoded = coresdk.workflow_completion.WorkflowActivationCompletion.fromObject(completion);
    if (!decoded.successful) throw new Error(`the activation failed: ${JSON.stringify(decoded.failed)}`);
    return this.#describe(
      (decoded.successful.commands ?? []).map((command) =>
        coresdk.workflow_commands.WorkflowCommand.fromObject(command),
      ),
    );
  }

  async dispose(): Promise<void> {
    await this.#workflow.dispose();
  }

  signal(name: string, ...args: readonly unknown[]): Job {
    return this.rawSignal(name, args.map(payload));
  }

  /** A signal whose payloads are what they are, also such as cannot be decoded. */
  rawSignal(name: string, input: readonly RawPayload[]): Job {
    return { signalWorkflow: { signalName: name, input: [...input] } };
  }

  update(name: string, input: readonly RawPayload[]): Job {
    this.#updates += 1;
    const id = `update-${this.#updates}`;
    return { doUpdate: { id, protocolInstanceId: id, name, input: [...input], runValidator: true, meta: {} } };
  }

  query(name: string, input: readonly RawPayload[] = []): Job {
    return { queryWorkflow: { queryId: 'query', queryType: name, arguments: [...input] } };
  }

  cancelled(): Job {
    return { cancelWorkflow: { reason: 'cancelled' } };
  }

  childStarted(workflowId: string): Job {
    return {
      resolveChildWorkflowExecutionStart: {
        seq: sequence(this.#childSequences, workflowId),
        succeeded: { runId: `run of ${workflowId}` },
      },
    };
  }

  childCompleted(workflowId: string, result: unknown): Job {
    return {
      resolveChildWorkflowExecution: {
        seq: sequence(this.#childSequences, workflowId),
        result: { completed: { result: payload(result) } },
      },
    };
  }

  activityCompleted(type: string, result: unknown): Job {
    return {
      resolveActivity: {
        seq: sequence(this.#activitySequences, type),
        result: { completed: { result: payload(result) } },
      },
    };
  }

  activityCancelled(type: string): Job {
    return {
      resolveActivity: {
        seq: sequence(this.#activitySequences, type),
        result: { cancelled: { failure: { message: 'cancelled', canceledFailureInfo: {} } } },
      },
    };
  }

  #describe(commands: readonly Command[]): Activated {
    for (const { startChildWorkflowExecution: child, scheduleActivity: activity } of commands) {
      if (child) this.#childSequences.set(child.workflowId ?? '', child.seq ?? 0);
      if (activity) this.#activitySequences.set(activity.activityType ?? '', activity.seq ?? 0);
    }
    const completed = commands.find((command) => command.completeWorkflowExecution)?.completeWorkflowExecution;
    const failed = commands.find((command) => command.failWorkflowExecution)?.failWorkflowExecution?.failure
      ?.applicationFailureInfo;
    return {
      commands,
      started: commands.flatMap(({ startChildWorkflowExecution: child }) => (child ? [child.workflowId ?? ''] : [])),
      signalled: commands
        .flatMap(({ signalExternalWorkflowExecution: sent }) =>
          sent ? [`${sent.signalName} to ${sent.childWorkflowId ?? sent.workflowExecution?.workflowId}`] : [],
        )
        .toSorted(),
      scheduled: commands.flatMap(({ scheduleActivity: activity }) => (activity ? [activity.activityType ?? ''] : [])),
      cancelledActivities: commands.filter((command) => command.requestCancelActivity).length,
      updates: commands.flatMap(({ updateResponse: answer }) => {
        if (answer?.rejected) return [`rejected: ${answer.rejected.message}`];
        return answer ? [answer.accepted ? 'accepted' : 'completed'] : [];
      }),
      answers: commands.flatMap(({ respondToQuery: answer }): unknown[] => {
        if (answer?.failed) return [{ failed: answer.failed.message }];
        return answer?.succeeded?.response ? [defaultPayloadConverter.fromPayload(answer.succeeded.response)] : [];
      }),
      result: completed?.result ? defaultPayloadConverter.fromPayload(completed.result) : undefined,
      failure: failed
        ? {
            type: failed.type ?? '',
            detail: failed.details?.payloads?.[0]
              ? defaultPayloadConverter.fromPayload(failed.details.payloads[0])
              : undefined,
          }
        : null,
    };
  }
}

/** A payload as it stands in a history. */
export type RawPayload = NonNullable<NonNullable<Job['signalWorkflow']>['input']>[number];

export function payload(value: unknown): RawPayload {
  return defaultPayloadConverter.toPayload(value) ?? {};
}

function sequence(sequences: ReadonlyMap<string, number>, name: string): number {
  const found = sequences.get(name);
  if (found === undefined)
    throw new Error(`nothing called ${name} was started; there is ${[...sequences.keys()].join(', ')}`);
  return found;
}
