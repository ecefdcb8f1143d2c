import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Control } from '../domain/apply.js';
import { DEFAULT_QUEUE } from '../domain/ids.js';
import {
  CONTROL_SIGNALS,
  CONTROL_UPDATES,
  type ControlAnswer,
  type ControlEffect,
  type ControlMessage,
} from '../workflows/messages.js';
import type { Connected } from './connect.js';
import { SkeinError, isUnanswered, noWorker } from './errors.js';
import { type ApplyRun, describeRun, readEnd, readInput } from './run.js';

/** How long the answer to a control is waited for. The control itself may be in force long before. */
export const ANSWER_MAX_MS = 5_000;

/** What became of a control. */
export interface ControlReport {
  readonly apply: string;
  readonly control: Control;
  /** `already`: it was in force, or its purpose was met. `recorded`: in history, and no worker has answered yet. */
  readonly answer: 'accepted' | 'already' | 'recorded';
  readonly deployments: Readonly<Record<string, ControlEffect>>;
}

/**
 * Stops or cancels a running apply: the signal first, because it is not lost when no worker is up, then the update of
 * the same name for the answer. Without one in time the report says `recorded`: it takes effect when a worker runs.
 */
export async function haltApply(
  connection: Connected,
  apply: string,
  control: 'stop' | 'cancel',
  message: ControlMessage,
): Promise<ControlReport> {
  const run = await describeRun(connection.client, apply);
  if (!run.open) return await haltClosed(connection.client, run, control);
  // A signal cannot be refused, so what means another apply has to be refused before it is sent.
  if (message.environment !== undefined)
    await refuseOtherEnvironment(connection.client, run, control, message.environment);
  await refuseUnknownDeployments(connection.client, run, control, message.deployments ?? []);
  // What names deployments may be refused for the state of one, and a signal cannot be: it is asked first.
  if ((message.deployments ?? []).length > 0) {
    const first = await ask(connection, apply, control, message);
    if (first !== 'unanswered' && first !== 'closed') return { apply, ...first };
  }
  const handle = connection.client.workflow.getHandle(apply, run.runId);
  try {
    await handle.signal(CONTROL_SIGNALS[control], message);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    if (control === 'stop') return await haltClosed(connection.client, run, control);
    throw new SkeinError(
      'refused',
      `apply ${apply} ended while the cancel was on its way; \`cancel ${apply}\` again ends what is left stopped`,
      { cause: error },
    );
  }
  const answer = await ask(connection, apply, control, message);
  if (answer === 'unanswered') return { apply, control, answer: 'recorded', deployments: {} };
  // The signal came first, so that the update finds it in force, or the run ended by it, says nothing about an earlier one.
  if (answer === 'closed') return { ...(await haltClosed(connection.client, run, control)), answer: 'accepted' };
  return { apply, control, answer: 'accepted', deployments: answer.deployments };
}

/** Sends a control that only a running apply can carry out; its validator refuses with the reason. */
export async function sendControl(
  connection: Connected,
  apply: string,
  name: Exclude<Control, 'stop' | 'cancel'>,
  message: ControlMessage,
): Promise<ControlReport> {
  const answer = await ask(connection, apply, name, message);
  if (answer === 'closed')
    throw new SkeinError('refused', `apply ${apply} has ended meanwhile; look at it with \`status ${apply}\``);
  if (answer === 'unanswered')
    throw noWorker({
      place: connection.place,
      taskQueue: DEFAULT_QUEUE,
      // The server may have kept the update for the next worker, and may not (measured: a worker carried one out 5 s later).
      consequence: `whether ${name} reached apply ${apply} cannot be told: it may be lost, or take effect once a worker runs. Look at \`status ${apply}\` then, and send it again if nothing came of it, which does no harm`,
    });
  return { apply, control: name, answer: answer.answer, deployments: answer.deployments };
}

type Answer = ControlAnswer | 'unanswered' | 'closed';

async function ask({ client }: Connected, apply: string, name: Control, message: ControlMessage): Promise<Answer> {
  const handle = client.workflow.getHandle(apply);
  try {
    return await client.withDeadline(Date.now() + ANSWER_MAX_MS, () =>
      handle.executeUpdate<ControlAnswer, [ControlMessage]>(CONTROL_UPDATES[name].name, { args: [message] }),
    );
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError)
      throw new SkeinError('refused', error.cause?.message ?? error.message, { cause: error });
    if (error instanceof WorkflowNotFoundError) return 'closed';
    if (isUnanswered(error)) return 'unanswered';
    throw error;
  }
}

/** A control that names an environment is meant for an apply there, and for no other (design 6). */
export async function refuseOtherEnvironment(
  client: Client,
  run: ApplyRun,
  control: Control,
  environment: string,
): Promise<void> {
  const { spec } = await readInput(client, run);
  if (spec.environment === environment) return;
  throw new SkeinError(
    'refused',
    `${control} names environment ${environment}, and apply ${run.apply} is in ${spec.environment}; name the right environment or the right apply`,
  );
}

/** The same as the apply itself says; without a worker nobody else would, and "recorded" would be all a person reads. */
async function refuseUnknownDeployments(
  client: Client,
  run: ApplyRun,
  control: Control,
  named: readonly string[],
): Promise<void> {
  if (named.length === 0) return;
  const known = (await readInput(client, run)).spec.deployments.map(({ name }) => name);
  const unknown = named.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new SkeinError(
    'refused',
    `${control} names deployment ${unknown.join(', ')}, which apply ${run.apply} does not have; it has ${known.join(', ')}`,
  );
}

/** A stop of what has ended is met already (I7); a cancel of it is a new run and none of this function's business. */
async function haltClosed(client: Client, run: ApplyRun, control: 'stop' | 'cancel'): Promise<ControlReport> {
  const end = await readEnd(client, run);
  if (end.kind === 'interrupted')
    throw new SkeinError(
      'refused',
      `apply ${run.apply} was interrupted (${end.how.replaceAll('_', ' ')}), so nobody is there to ${control} it; take it up again with \`start ${run.apply}\`, then ${control} it`,
    );
  return {
    apply: run.apply,
    control,
    answer: 'already',
    deployments: Object.fromEntries(
      end.result.operations.map(({ deployment, state, started }) => [
        deployment,
        state === 'stopped' && !started ? 'not_started' : 'ended',
      ]),
    ),
  };
}
