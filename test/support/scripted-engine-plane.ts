import { createHash } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import * as wire from '../../proto/gen/tern.js';
import { ScriptedApply, type Script, WELL_BEHAVED } from './scripted-engine-apply.js';
import type { Ledger } from './scripted-engine-ledger.js';
import { diffSchema, type LiveSchema, liveSchemaOf, type ScriptedChange } from './scripted-engine-schema.js';

/** `limited`: the renumbered dialect of engine contract 7. `old`: the one before, which must be refused (5.6). */
export type Dialect = 'full' | 'limited' | 'old';

export interface TargetOptions {
  readonly name: string;
  /** Default: any database is accepted. */
  readonly database?: string | null;
  /** Statements that the target holds from the start. */
  readonly live?: readonly string[];
}

/** A gRPC status as the outcome of a call. */
export class StatusOutcome extends Error {
  readonly code: status;

  constructor(name: keyof typeof status, message: string) {
    super(message);
    this.code = status[name];
  }
}

interface ScriptedTarget {
  readonly name: string;
  readonly database: string | null;
  readonly live: LiveSchema;
  script: Script;
}

interface StoredPlan {
  readonly target: string;
  readonly database: string;
  readonly type: string;
  readonly environment: string;
  readonly changes: readonly ScriptedChange[];
}

/** The engine itself without the wire: targets, plans, applies. Every method is one synchronous transaction. */
export class ScriptedPlane {
  readonly dialect: Dialect;
  readonly #name: string;
  readonly #ledger: Ledger;
  readonly #targets = new Map<string, ScriptedTarget>();
  readonly #plans = new Map<string, StoredPlan>();
  readonly #applies = new Map<string, ScriptedApply>();
  readonly #byKey = new Map<string, ScriptedApply>();
  readonly #latest = new Map<string, ScriptedApply>();
  #counter = 0;

  constructor(params: {
    readonly name: string;
    readonly dialect: Dialect;
    readonly ledger: Ledger;
    readonly targets: readonly TargetOptions[];
  }) {
    this.#name = params.name;
    this.dialect = params.dialect;
    this.#ledger = params.ledger;
    for (const target of params.targets) this.addTarget(target);
  }

  addTarget({ name, database = null, live = [] }: TargetOptions): void {
    this.#targets.set(name, { name, database, live: liveSchemaOf(live), script: WELL_BEHAVED });
  }

  get applies(): readonly ScriptedApply[] {
    return [...this.#applies.values()];
  }

  setScript(target: string, script: Partial<Script>): void {
    this.target(target).script = { ...WELL_BEHAVED, ...script };
  }

  target(name: string): ScriptedTarget {
    const target = this.#targets.get(name);
    if (target === undefined) throw new StatusOutcome('INTERNAL', `target "${name}" is not configured`);
    return target;
  }

  latestOn(target: string): ScriptedApply | undefined {
    return this.#latest.get(target);
  }

  find(remoteApplyId: string): ScriptedApply | undefined {
    return this.#applies.get(remoteApplyId);
  }

  forgetApply(apply: ScriptedApply): void {
    this.#applies.delete(apply.remoteApplyId);
    this.#byKey.delete(apply.identity.idempotencyKey);
    if (this.#latest.get(apply.identity.target) === apply) this.#latest.delete(apply.identity.target);
  }

  forgetPlans(): void {
    this.#plans.clear();
  }

  plan(request: wire.PlanRequest): wire.PlanResponse {
    const { changes, errors } = this.#diff(request);
    const planId = `plan-${this.#newId()}`;
    const { target, database, type, environment } = request;
    this.#plans.set(planId, { target, database, type, environment, changes });
    return wire.PlanResponse.fromPartial({
      planId,
      engine: wire.Engine.ENGINE_POSTGRES,
      changes: byNamespace(changes),
      errors: [...errors],
    });
  }

  planDiff(request: wire.PlanRequest): wire.PlanDiffResponse {
    const { changes, errors } = this.#diff(request);
    return wire.PlanDiffResponse.fromPartial({
      engine: wire.Engine.ENGINE_POSTGRES,
      changes: byNamespace(changes),
      errors: [...errors],
      existingCopiesReported: true,
    });
  }

  /** The steps of engine contract 2.3, in its order. */
  apply(request: wire.ApplyRequest): wire.ApplyResponse {
    if (request.planId === '') throw new StatusOutcome('INTERNAL', 'plan_id is required');
    if (request.environment === '') throw new StatusOutcome('INTERNAL', 'environment is required');
    const known = request.idempotencyKey === '' ? undefined : this.#byKey.get(request.idempotencyKey);
    if (known !== undefined) refuseAlias(known, request);
    const plan = this.#resolvePlan(request);
    if (plan === null) return refused('plan not found');
    if (known !== undefined) return this.#accepted(known);
    return this.#refusal(request, plan) ?? this.#create(request, plan);
  }

  findApply(idempotencyKey: string, target: string): ScriptedApply | null {
    if (target !== '' && !this.#targets.has(target)) {
      throw new StatusOutcome('FAILED_PRECONDITION', `target "${target}" is not served here`);
    }
    return this.#byKey.get(idempotencyKey) ?? null;
  }

  #diff(request: Pick<wire.PlanRequest, 'target' | 'database' | 'schemaFiles'>) {
    const target = this.target(request.target);
    if (target.database !== null && target.database !== request.database) {
      throw new StatusOutcome('INTERNAL', `target "${target.name}" is not database "${request.database}"`);
    }
    return diffSchema(target.live, request.schemaFiles);
  }

  #resolvePlan(request: wire.ApplyRequest): StoredPlan | null {
    const stored = this.#plans.get(request.planId) ?? this.#materialize(request);
    if (stored === null) return null;
    const { target, database, type, environment } = stored;
    // A limited engine takes whatever environment it is given (engine contract 7.11).
    const matches =
      target === request.target &&
      database === request.database &&
      type === request.type &&
      (environment === request.environment || this.dialect !== 'full');
    if (!matches) {
      const text = `apply request target "${request.target}" does not match plan "${request.planId}" target "${target}"`;
      throw new StatusOutcome('INTERNAL', text);
    }
    return stored;
  }

  /** Rebuilds a plan from the request's payload, which must be what the live schema asks for right now. */
  #materialize(request: wire.ApplyRequest): StoredPlan | null {
    if (request.ddlChanges.length === 0 || Object.keys(request.schemaFiles).length === 0) return null;
    const { changes } = this.#diff(request);
    const reviewed = request.ddlChanges.map(({ ddl }) => ddl);
    const current = changes.map(({ change }) => change.ddl);
    if (JSON.stringify(reviewed) !== JSON.stringify(current)) {
      const text = `materialize plan ${request.planId}: local schema has drifted from the reviewed plan`;
      throw new StatusOutcome('INTERNAL', text);
    }
    const { target, database, type, environment } = request;
    const plan = { target, database, type, environment, changes };
    this.#plans.set(request.planId, plan);
    return plan;
  }

  #refusal(request: wire.ApplyRequest, plan: StoredPlan): wire.ApplyResponse | null {
    if (request.targetShards.length > 0) {
      throw new StatusOutcome('INTERNAL', `a sharded dispatch must target a sharded database, got ${request.target}`);
    }
    const { generationOperationKeys: keys } = request;
    if (keys.length > 0 && !keys.includes('')) {
      const list = JSON.stringify(keys);
      return refused(
        `dispatch generation manifest ${list} does not include its own operation key ""; refusing the malformed dispatch`,
      );
    }
    const blocked = plan.changes.find(({ change }) => change.executionMode === 'blocked');
    if (blocked !== undefined) return refused(`blocked: ${blocked.change.modeReason}`);
    const holder = this.#latest.get(request.target);
    if (holder !== undefined && !holder.hasEnded && !holder.isStopped) return this.#busy(request, holder);
    const unsafe = plan.changes.find(({ change }) => change.isUnsafe);
    if (unsafe !== undefined && request.options['allow_unsafe'] !== 'true') {
      const { tableName, unsafeReason } = unsafe.change;
      return refused(
        `stored plan ${request.planId} contains unsafe change for table "${tableName}": ${unsafeReason}; retry with allow_unsafe=true`,
      );
    }
    return null;
  }

  #busy(request: wire.ApplyRequest, holder: ScriptedApply): wire.ApplyResponse {
    if (this.dialect !== 'full') {
      const text = `create apply with tasks and operations: active apply exists for ${request.database}: active apply already exists`;
      throw new StatusOutcome('INTERNAL', text);
    }
    const response = refused(
      `schema change already in progress for database "${request.database}" (plan ${holder.identity.planId})`,
    );
    response.conflict = {
      table: holder.changes[0]?.change.tableName ?? '',
      shard: '',
      blockingState: holder.isParked ? 'waiting_for_cutover' : 'running',
      repository: '',
      pullRequest: 0,
      caller: holder.identity.caller,
      holderExternalId: holder.remoteApplyId,
    };
    return response;
  }

  #create(request: wire.ApplyRequest, plan: StoredPlan): wire.ApplyResponse {
    const { target, database, type, environment, caller, idempotencyKey, planId } = request;
    const rested = this.#latest.get(target);
    if (rested?.isStopped === true) rested.superseded = true;
    const { live, script } = this.target(target);
    const id = this.#newId();
    const apply = new ScriptedApply({
      identity: {
        remoteApplyId: `apply-${id}`,
        operationId: String(Number.parseInt(id.slice(0, 6), 16)),
        idempotencyKey,
        target,
        database,
        type,
        environment,
        caller,
        planId,
        defersCutover: request.options['defer_cutover'] === 'true',
      },
      changes: plan.changes,
      script,
      ledger: this.#ledger,
      effectOn: (changes) => makeReal(live, changes),
    });
    this.#applies.set(apply.remoteApplyId, apply);
    this.#latest.set(target, apply);
    if (idempotencyKey !== '') this.#byKey.set(idempotencyKey, apply);
    apply.begin();
    return this.#accepted(apply);
  }

  #accepted({ identity }: ScriptedApply): wire.ApplyResponse {
    return {
      accepted: true,
      errorMessage: '',
      applyId: identity.remoteApplyId,
      applyOperationId: identity.operationId,
      operationKey: '',
      conflict: undefined,
    };
  }

  /** Sixteen hexadecimal digits, the same in every run and never the same in two engines. */
  #newId(): string {
    this.#counter += 1;
    return createHash('sha256').update(`${this.#name}/${this.#counter}`).digest('hex').slice(0, 16);
  }
}

function refused(errorMessage: string): wire.ApplyResponse {
  return wire.ApplyResponse.fromPartial({ accepted: false, errorMessage });
}

function refuseAlias({ identity }: ScriptedApply, request: wire.ApplyRequest): void {
  const same =
    identity.database === request.database &&
    identity.type === request.type &&
    identity.environment === request.environment;
  if (same) return;
  const text = `idempotency key "${request.idempotencyKey}" already maps to apply ${identity.remoteApplyId}; refusing to alias request`;
  throw new StatusOutcome('INTERNAL', text);
}

function byNamespace(changes: readonly ScriptedChange[]): wire.SchemaChange[] {
  const namespaces = [...new Set(changes.map(({ change }) => change.namespace))];
  return namespaces.map((namespace) =>
    wire.SchemaChange.fromPartial({
      namespace,
      tableChanges: changes.map(({ change }) => change).filter((change) => change.namespace === namespace),
    }),
  );
}

function makeReal(live: LiveSchema, changes: readonly ScriptedChange[]): void {
  for (const { key, definition } of changes) {
    if (definition === null) live.delete(key);
    else live.set(key, definition);
  }
}
