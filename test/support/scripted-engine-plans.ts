import { createHash } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import * as wire from '../../proto/gen/tern.js';
import { diffSchema, foldAlters, type LiveSchema, type ScriptedChange } from './scripted-engine-schema.js';
import type { Script } from './scripted-engine-script.js';

/** `limited`: the renumbered dialect of engine contract 7. `old`: the one before, which must be refused (5.6). */
export type Dialect = 'full' | 'limited' | 'old';

/** A gRPC status as the outcome of a call. */
export class StatusOutcome extends Error {
  readonly code: status;

  constructor(name: keyof typeof status, message: string) {
    super(message);
    this.code = status[name];
  }
}

export interface ScriptedTarget {
  readonly name: string;
  readonly database: string | null;
  readonly live: LiveSchema;
  /** It says all that is to be altered in one table in one statement (what real planes on MySQL do). */
  folds: boolean;
  script: Script;
  /** How many changes have taken effect on it. */
  changesMade: number;
}

export interface StoredPlan {
  readonly target: string;
  readonly database: string;
  readonly type: string;
  readonly environment: string;
  readonly changes: readonly ScriptedChange[];
}

/** Sixteen hexadecimal digits, the same in every run and never the same in two engines. */
export class Ids {
  readonly #name: string;
  #counter = 0;

  constructor(name: string) {
    this.#name = name;
  }

  next(): string {
    this.#counter += 1;
    return createHash('sha256').update(`${this.#name}/${this.#counter}`).digest('hex').slice(0, 16);
  }
}

/** What the engine has planned and keeps: answers to Plan and PlanDiff, and the plan that an Apply means. */
export class Plans {
  readonly #stored = new Map<string, StoredPlan>();
  readonly #dialect: Dialect;
  readonly #ids: Ids;
  readonly #targetNamed: (name: string) => ScriptedTarget;

  constructor(params: {
    readonly dialect: Dialect;
    readonly ids: Ids;
    readonly targetNamed: (name: string) => ScriptedTarget;
  }) {
    this.#dialect = params.dialect;
    this.#ids = params.ids;
    this.#targetNamed = params.targetNamed;
  }

  /** Loses the plans of one target, or all. */
  forget(target?: string): void {
    for (const [planId, plan] of this.#stored) {
      if (target === undefined || plan.target === target) this.#stored.delete(planId);
    }
  }

  plan(request: wire.PlanRequest): wire.PlanResponse {
    const { changes, errors } = this.#diff(request);
    const planId = `plan-${this.#ids.next()}`;
    const { target, database, type, environment } = request;
    this.#stored.set(planId, { target, database, type, environment, changes });
    return wire.PlanResponse.fromPartial({
      planId,
      engine: wire.Engine.ENGINE_POSTGRES,
      changes: byNamespace(this.#said(target, changes)),
      errors: [...errors],
    });
  }

  #said(target: string, changes: readonly ScriptedChange[]): readonly wire.TableChange[] {
    const plain = changes.map(({ change }) => change);
    return this.#targetNamed(target).folds ? foldAlters(plain) : plain;
  }

  planDiff(request: wire.PlanRequest): wire.PlanDiffResponse {
    const { changes, errors } = this.#diff(request);
    return wire.PlanDiffResponse.fromPartial({
      engine: wire.Engine.ENGINE_POSTGRES,
      changes: byNamespace(this.#said(request.target, changes)),
      errors: [...errors],
      existingCopiesReported: true,
    });
  }

  #diff(request: Pick<wire.PlanRequest, 'target' | 'database' | 'schemaFiles'>) {
    const target = this.#targetNamed(request.target);
    if (target.database !== null && target.database !== request.database) {
      throw new StatusOutcome('INTERNAL', `target "${target.name}" is not database "${request.database}"`);
    }
    const difference = diffSchema(target.live, request.schemaFiles);
    // A limited engine says nothing about what is wrong with a statement (engine contract 7.1).
    if (difference.errors.length > 0 && this.#dialect === 'limited') throw new StatusOutcome('INTERNAL', '');
    return difference;
  }

  /** The stored plan, or one made from the request's payload; null for neither. */
  resolve(request: wire.ApplyRequest): StoredPlan | null {
    const stored = this.#stored.get(request.planId) ?? this.#materialize(request);
    if (stored === null) return null;
    const { target, database, type, environment } = stored;
    // A limited engine takes whatever environment it is given (engine contract 7.11).
    const matches =
      target === request.target &&
      database === request.database &&
      type === request.type &&
      (environment === request.environment || this.#dialect !== 'full');
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
    const current = this.#said(request.target, changes).map(({ ddl }) => ddl);
    if (JSON.stringify(reviewed) !== JSON.stringify(current)) {
      const text = `materialize plan ${request.planId}: local schema has drifted from the reviewed plan`;
      throw new StatusOutcome('INTERNAL', text);
    }
    const { target, database, type, environment } = request;
    const plan = { target, database, type, environment, changes };
    this.#stored.set(request.planId, plan);
    return plan;
  }
}

function byNamespace(changes: readonly wire.TableChange[]): wire.SchemaChange[] {
  const namespaces = [...new Set(changes.map(({ namespace }) => namespace))];
  return namespaces.map((namespace) =>
    wire.SchemaChange.fromPartial({
      namespace,
      tableChanges: changes.filter((change) => change.namespace === namespace),
    }),
  );
}
