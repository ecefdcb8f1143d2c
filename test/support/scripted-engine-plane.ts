import * as wire from '../../proto/gen/tern.js';
import { ScriptedApply } from './scripted-engine-apply.js';
import type { Ledger } from './scripted-engine-ledger.js';
import {
  type Dialect,
  Ids,
  Plans,
  type ScriptedTarget,
  StatusOutcome,
  type StoredPlan,
} from './scripted-engine-plans.js';
import { changeByHand, liveSchemaOf, type ScriptedChange } from './scripted-engine-schema.js';
import { type Script, WELL_BEHAVED } from './scripted-engine-script.js';

export interface TargetOptions {
  readonly name: string;
  /** Default: any database is accepted. */
  readonly database?: string | null;
  /** Statements that the target holds from the start. */
  readonly live?: readonly string[];
  /** Whether it says all that is to be altered in one table in one statement. Default false. */
  readonly folds?: boolean;
}

/** The engine itself without the wire: targets, plans, applies. Every method is one synchronous transaction. */
export class ScriptedPlane {
  readonly dialect: Dialect;
  readonly #ledger: Ledger;
  readonly #targets = new Map<string, ScriptedTarget>();
  readonly #ids: Ids;
  readonly plans: Plans;
  readonly #applies = new Map<string, ScriptedApply>();
  readonly #byKey = new Map<string, ScriptedApply>();
  readonly #latest = new Map<string, ScriptedApply>();

  constructor(params: {
    readonly name: string;
    readonly dialect: Dialect;
    readonly ledger: Ledger;
    readonly targets: readonly TargetOptions[];
  }) {
    this.#ids = new Ids(params.name);
    this.dialect = params.dialect;
    this.#ledger = params.ledger;
    this.plans = new Plans({ dialect: params.dialect, ids: this.#ids, targetNamed: (name) => this.target(name) });
    for (const target of params.targets) this.addTarget(target);
  }

  /** A target that is there already is replaced, and its applies and plans are forgotten. */
  addTarget({ name, database = null, live = [], folds = false }: TargetOptions): void {
    for (const apply of this.applies) if (apply.identity.target === name) this.forgetApply(apply);
    this.plans.forget(name);
    const fresh = { script: WELL_BEHAVED, changesMade: 0 };
    this.#targets.set(name, { name, database, live: liveSchemaOf(live), folds, ...fresh });
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

  plan(request: wire.PlanRequest): wire.PlanResponse {
    return this.plans.plan(this.#asServed(request));
  }

  planDiff(request: wire.PlanRequest): wire.PlanDiffResponse {
    return this.plans.planDiff(this.#asServed(request));
  }

  /** The steps of engine contract 2.3, in its order. */
  apply(asked: wire.ApplyRequest): wire.ApplyResponse {
    const request = this.#asServed(asked);
    if (request.planId === '') throw new StatusOutcome('INTERNAL', 'plan_id is required');
    if (request.environment === '') throw new StatusOutcome('INTERNAL', 'environment is required');
    const known = request.idempotencyKey === '' ? undefined : this.#byKey.get(request.idempotencyKey);
    if (known !== undefined) refuseAlias(known, request);
    const plan = this.plans.resolve(request);
    if (plan === null) return this.#planNotFound(request.planId);
    if (known !== undefined) return this.#accepted(known);
    return this.#refusal(request, plan) ?? this.#create(request, plan);
  }

  findApply(idempotencyKey: string, target: string): ScriptedApply | null {
    if (target !== '' && !this.#targets.has(target)) {
      throw new StatusOutcome('FAILED_PRECONDITION', `target "${target}" is not served here`);
    }
    return this.#byKey.get(idempotencyKey) ?? null;
  }

  /** A limited engine with one database does its work there, whatever target it is given (engine contract 7.3). */
  #asServed<Request extends { readonly target: string }>(request: Request): Request {
    const [only] = this.#targets.keys();
    const ignoresTarget = this.dialect === 'limited' && this.#targets.size === 1 && only !== undefined;
    return ignoresTarget ? { ...request, target: only } : request;
  }

  #planNotFound(planId: string): wire.ApplyResponse {
    if (this.dialect === 'full' || this.#targets.size === 1) return refused('plan not found');
    throw new StatusOutcome('INTERNAL', `plan "${planId}" not found for apply target routing`);
  }

  #refusal(request: wire.ApplyRequest, plan: StoredPlan): wire.ApplyResponse | null {
    const { generationOperationKeys: keys, targetShards, options } = request;
    if (targetShards.length > 0) return refused('this engine has no sharded databases');
    const member = options['member_target'];
    if (member !== undefined) return refused(`this engine has no rollout members, so not "${member}" either`);
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
    const onTarget = this.target(target);
    const id = this.#ids.next();
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
      script: onTarget.script,
      ledger: this.#ledger,
      effectOn: (changes) => makeReal(onTarget, changes),
      byHand: (ddl) => changeByHand(onTarget.live, ddl),
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

/** Gives what undoes it again. */
function makeReal(target: ScriptedTarget, changes: readonly ScriptedChange[]): () => void {
  const { live } = target;
  const before = new Map(live);
  target.changesMade += changes.length;
  for (const { key, definition } of changes) {
    if (definition === null) live.delete(key);
    else live.set(key, definition);
  }
  return () => {
    for (const { key } of changes) {
      const definition = before.get(key);
      if (definition === undefined) live.delete(key);
      else live.set(key, definition);
    }
  };
}
