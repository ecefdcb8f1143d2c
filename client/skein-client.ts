import type { Client } from '@temporalio/client';
import type { Connection as TemporalConnection } from '@temporalio/client';
import type { ApplyInput, Control } from '../domain/apply.js';
import type { DeploymentLogs } from '../domain/log.js';
import type { ApplyStatus } from '../domain/status.js';
import type { ControlMessage } from '../workflows/messages.js';
import { type ConnectOptions, type Connected, connect, defaultCaller } from './connect.js';
import { type ControlReport, haltApply, refuseOtherEnvironment, sendControl } from './controls.js';
import { type ServerPlace, SkeinError, explaining } from './errors.js';
import { type ListOptions, type ListedApply, listApplies } from './list.js';
import { type LogsOptions, readLogs } from './logs.js';
import { type RolloutPlan, planRollout, refuseProblems, toApplyPlan } from './plan.js';
import type {
  ApplyOptions,
  CancelOptions,
  ControlOptions,
  CutoverOptions,
  GateOptions,
  RetryOptions,
  SkipOptions,
  StartOptions,
  WindowOptions,
} from './options.js';
import { defaultApplyId } from './random-id.js';
import { type ResumedApply, resumeApply } from './resume.js';
import { type ApplyRun, describeRun } from './run.js';
import type { SpecFile } from './spec-file.js';
import { type StartedApply, findApply, startApply } from './start-apply.js';
import { readStatus } from './status.js';
import { type WatchOptions, watchApply } from './watch.js';
import { type Explanation, explainStatus } from './why.js';

/**
 * Starts, follows and controls applies. Every method rejects with `SkeinError` for whatever a person can do something
 * about; the message says what. Everything goes through the Temporal server; nothing here talks to an engine.
 */
export class SkeinClient {
  readonly #client: Client;
  readonly #place: ServerPlace;
  readonly #caller: string;
  /** Ends the connection, where it is this client's own. */
  #end: () => Promise<void> = async () => {};

  /** From a client of your own, whose connection stays yours. `caller` is put on record with every apply and control; default `<user>@<host>`. */
  constructor(client: Client, options: { readonly caller?: string; readonly address?: string } = {}) {
    this.#client = client;
    this.#place = { address: options.address ?? addressOf(client), namespace: client.options.namespace };
    this.#caller = options.caller ?? defaultCaller();
  }

  /** Connects with the same `TEMPORAL_*` variables and TOML profiles as the `temporal` CLI. Close it when done. */
  static async connect(options: ConnectOptions = {}): Promise<SkeinClient> {
    const { client, place } = await connect(options);
    const skein = new SkeinClient(client, {
      address: place.address,
      ...(options.caller === undefined ? {} : { caller: options.caller }),
    });
    skein.#end = () => client.connection.close();
    return skein;
  }

  /** The Temporal namespace it works in. */
  get namespace(): string {
    return this.#place.namespace;
  }

  /** Ends the connection that `connect` made; nothing for a client of your own. */
  async close(): Promise<void> {
    await this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Asks every deployment's engine what it would do, and compares. Changes nothing; what speaks against it is in `problems`. */
  async plan(file: SpecFile): Promise<RolloutPlan> {
    return await this.#explaining(() => planRollout({ ...this.#connection, file, caller: this.#caller }));
  }

  /** The id an apply of this database gets when none is given. */
  newApplyId(database: string): string {
    return defaultApplyId(database);
  }

  /**
   * Starts a reviewed plan, or attaches to the apply of the same id and spec, running or closed. Rejects with
   * `plan_refused` or `unavailable` when the plan has problems, and with `conflict` for another spec under the same id.
   */
  async apply(plan: RolloutPlan, options: ApplyOptions = {}): Promise<StartedApply> {
    const { allowUnsafe = false, allowDrift = false } = options;
    refuseProblems(plan, { allowUnsafe, allowDrift });
    const input: ApplyInput = {
      spec: plan.spec,
      specDigest: plan.specDigest,
      plan: toApplyPlan(plan),
      allowUnsafe,
      allowDrift,
      caller: this.#caller,
      carried: null,
    };
    const id = options.id ?? defaultApplyId(plan.spec.database);
    return await this.#explaining(() => startApply(this.#client, id, input));
  }

  /** The apply of this id, if there is one with the same spec; null when the id is free. Another spec is a `conflict`. */
  async find(apply: string, file: SpecFile): Promise<StartedApply | null> {
    return await this.#explaining(() => findApply(this.#client, apply, file));
  }

  /** Where an apply stands. Works without a worker, then with `detail: 'coarse'`. */
  async status(apply: string): Promise<ApplyStatus> {
    return await this.#explaining(() => readStatus(this.#client, apply));
  }

  /** Where it stands now, and again whenever that changes, until it has ended. Ending the loop ends nothing else. */
  watch(apply: string, options: WatchOptions = {}): AsyncGenerator<ApplyStatus, void, undefined> {
    return watchApply(() => this.status(apply), options);
  }

  /** Waits until the apply has ended, however long that takes; null when the signal aborts first. */
  async result(apply: string, options: WatchOptions = {}): Promise<ApplyStatus | null> {
    let last: ApplyStatus | null = null;
    for await (const status of this.watch(apply, options)) last = status;
    return options.signal?.aborted === true ? null : last;
  }

  /** Why it stands where it stands, and what to do next. */
  async why(apply: string): Promise<Explanation> {
    return explainStatus(await this.status(apply));
  }

  async list(options: ListOptions = {}): Promise<readonly ListedApply[]> {
    return await this.#explaining(() => listApplies(this.#client, options));
  }

  /** Starts nothing more and stops what runs. Recorded at once, also with no worker; the report says which. Resumable. */
  async stop(apply: string, options: ControlOptions = {}): Promise<ControlReport> {
    return await this.#explaining(() => haltApply(this.#connection, apply, 'stop', this.#message(options)));
  }

  /**
   * Ends it, or the named deployments, for good: in a running one as `stop` does, of a closed one in a new run that
   * cancels what is left stopped. What had completed first stays completed.
   */
  async cancel(apply: string, options: CancelOptions = {}): Promise<ControlReport | ResumedApply> {
    const { deployments = [] } = options;
    return await this.#explaining(async () => {
      const run = await describeRun(this.#client, apply);
      const message = { ...this.#message(options), ...(deployments.length === 0 ? {} : { deployments }) };
      if (run.open) return await haltApply(this.#connection, apply, 'cancel', message);
      await this.#checkEnvironment(run, 'cancel', options);
      return await resumeApply(this.#client, run, { control: 'cancel', deployments }, this.#caller);
    });
  }

  /** Goes on with a stopped apply in a new run of the same id. Refused while it runs. */
  async start(apply: string, options: StartOptions = {}): Promise<ResumedApply | ControlReport> {
    const { release = false, skip = [] } = options;
    return await this.#explaining(async () => {
      const run = await describeRun(this.#client, apply);
      if (run.open) return await sendControl(this.#connection, apply, 'start', this.#message(options));
      await this.#checkEnvironment(run, 'start', options);
      return await resumeApply(this.#client, run, { control: 'start', release, skip }, this.#caller);
    });
  }

  /** A new attempt of failed deployments: in a running apply at once, of a closed one in a new run that also goes on. */
  async retry(apply: string, options: RetryOptions = {}): Promise<ResumedApply | ControlReport> {
    const { deployments = [], release = false, skip = [] } = options;
    return await this.#explaining(async () => {
      const run = await describeRun(this.#client, apply);
      if (run.open) {
        if (release || skip.length > 0)
          throw new SkeinError('refused', `apply ${apply} is running; use \`release\` and \`skip\` beside \`retry\``);
        return await sendControl(this.#connection, apply, 'retry', { ...this.#message(options), deployments });
      }
      await this.#checkEnvironment(run, 'retry', options);
      return await resumeApply(this.#client, run, { control: 'retry', deployments, release, skip }, this.#caller);
    });
  }

  /** Opens the policy of a running apply that setbacks have closed, for the rest of it. */
  async release(apply: string, options: ControlOptions = {}): Promise<ControlReport> {
    return await this.#send(apply, 'release', this.#message(options), `go on with \`start ${apply} --release\``);
  }

  /** Permits parked deployments to cut over. */
  async cutover(apply: string, options: CutoverOptions = {}): Promise<ControlReport> {
    const message = { ...this.#message(options), deployments: options.deployments ?? [] };
    return await this.#send(apply, 'cutover', message, `go on with \`start ${apply}\` first`);
  }

  /** Lets a gated wave start once its turn has come. */
  async approve(apply: string, options: GateOptions = {}): Promise<ControlReport> {
    return await this.#send(apply, 'approve', this.#gate(options), `go on with \`start ${apply}\` first`);
  }

  /** Ends a gated wave that has not started, and all later ones. */
  async reject(apply: string, options: GateOptions = {}): Promise<ControlReport> {
    return await this.#send(apply, 'reject', this.#gate(options), 'nothing of it will start by itself');
  }

  /** Undoes live changes within their engines' revert windows. */
  async revert(apply: string, options: WindowOptions): Promise<ControlReport> {
    return await this.#send(
      apply,
      'revert',
      this.#window(options),
      'roll the former schema out as a change of its own',
    );
  }

  /** Gives revert windows up: the changes stay. */
  async skipRevert(apply: string, options: WindowOptions): Promise<ControlReport> {
    return await this.#send(apply, 'skip-revert', this.#window(options), 'its revert windows are over');
  }

  /**
   * Leaves deployments out: of a running apply also one whose engine does not answer, with `unconfirmed`; of a closed one
   * those that failed or were stopped, in a new run that does nothing else.
   */
  async skip(apply: string, options: SkipOptions): Promise<ControlReport | ResumedApply> {
    const { deployments = [], all = false, reason, unconfirmed = false } = options;
    return await this.#explaining(async () => {
      const run = await describeRun(this.#client, apply);
      const message = { ...this.#message(options), deployments, all, reason, unconfirmed };
      if (run.open) return await sendControl(this.#connection, apply, 'skip', message);
      await this.#checkEnvironment(run, 'skip', options);
      if (deployments.length === 0 && !all)
        throw new SkeinError('refused', `skip of apply ${apply} must name a deployment, or be for all`);
      return await resumeApply(this.#client, run, { control: 'skip', deployments, reason }, this.#caller);
    });
  }

  /** The engines' own logs. */
  async logs(apply: string, options: LogsOptions = {}): Promise<readonly DeploymentLogs[]> {
    return await this.#explaining(() => readLogs(this.#connection, apply, options));
  }

  async #send(
    apply: string,
    name: Exclude<Control, 'stop' | 'start' | 'retry' | 'cancel'>,
    message: ControlMessage,
    whenEnded: string,
  ): Promise<ControlReport> {
    return await this.#explaining(async () => {
      const run = await describeRun(this.#client, apply);
      if (!run.open) throw ended(run, name, whenEnded);
      return await sendControl(this.#connection, apply, name, message);
    });
  }

  get #connection(): Connected {
    return { client: this.#client, place: this.#place };
  }

  #gate({ wave, ...rest }: GateOptions): ControlMessage {
    return { ...this.#message(rest), ...(wave === undefined ? {} : { wave }) };
  }

  #window({ deployments = [], all = false, ...rest }: WindowOptions): ControlMessage {
    return { ...this.#message(rest), deployments, all };
  }

  #message({ environment }: ControlOptions): ControlMessage {
    return { by: this.#caller, ...(environment === undefined ? {} : { environment }) };
  }

  async #checkEnvironment(
    run: ApplyRun,
    control: 'start' | 'retry' | 'cancel' | 'skip',
    { environment }: ControlOptions,
  ): Promise<void> {
    if (environment !== undefined) await refuseOtherEnvironment(this.#client, run, control, environment);
  }

  async #explaining<T>(call: () => Promise<T>): Promise<T> {
    return await explaining(this.#place, call);
  }
}

function ended(run: ApplyRun, control: string, instead: string): SkeinError {
  return new SkeinError('refused', `apply ${run.apply} has ended, and ${control} reaches running applies; ${instead}`);
}

/** For messages only: a client of the caller's own may be connected by any means. */
function addressOf(client: Client): string {
  const { options } = client.connection as Partial<Pick<TemporalConnection, 'options'>>; // absent in other kinds of connection
  return options?.address ?? 'the server of this client';
}
