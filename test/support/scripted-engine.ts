import { ServerCredentials, type Server } from '@grpc/grpc-js';
import { CAPABILITY } from '../../tern/capabilities.js';
import type { ScriptedApply } from './scripted-engine-apply.js';
import { handlersOf } from './scripted-engine-calls.js';
import { landStop } from './scripted-engine-controls.js';
import { type Fault, type FaultRule, Faults } from './scripted-engine-faults.js';
import { Ledger } from './scripted-engine-ledger.js';
import { ScriptedPlane, type TargetOptions } from './scripted-engine-plane.js';
import type { Dialect } from './scripted-engine-plans.js';
import { changeByHand, type LiveSchema, liveSchemaOf } from './scripted-engine-schema.js';
import type { Script } from './scripted-engine-script.js';
import { listen } from './scripted-engine-server.js';

export type { Script, Step } from './scripted-engine-script.js';
export type { Fault, FaultAction, FaultRule } from './scripted-engine-faults.js';
export type { Effect, Ledger, LedgerCall, LedgerEffect, LedgerEntry, Rpc } from './scripted-engine-ledger.js';
export type { TargetOptions } from './scripted-engine-plane.js';
export type { Dialect } from './scripted-engine-plans.js';

export interface ScriptedEngineOptions {
  /** The databases that this engine serves; one engine can serve hundreds. */
  readonly targets: readonly (string | TargetOptions)[];
  /** Default `full`. */
  readonly dialect?: Dialect;
  /** Whether applies can be looked up by key. Default: as the dialect, so only `full`. */
  readonly lookup?: boolean;
  /** Distinguishes the ids of two engines. Default: a running number of this process. */
  readonly name?: string;
  /** Default: plain text. */
  readonly credentials?: ServerCredentials;
}

/**
 * An engine that speaks `tern.v1` over real gRPC on a free loopback port, keeps its state in memory, and does what a test
 * tells it to: per target a script of how its applies behave, per call a fault. Without either it is well-behaved and
 * done as soon as it has answered.
 *
 * Its targets are real in one respect: a plan is the difference between the desired schema and what the target holds, and
 * what has been applied is no longer a difference.
 */
export interface ScriptedEngine {
  /** `host:port`; the same after `pause` and `resume`. */
  readonly address: string;
  readonly ledger: Ledger;
  /** One more database that this engine serves. One of a name that is taken is replaced, and its applies forgotten. */
  addTarget(target: string | TargetOptions): void;
  /** How applies on this target behave from the next Apply on. What is left out is the well-behaved engine. */
  script(target: string, script: Partial<Script>): void;
  /** Sets a fault. It hits once unless told otherwise. */
  fault(rule: FaultRule): Fault;
  clearFaults(): void;
  /** Every apply that was accepted and not forgotten, oldest first. */
  applies(): readonly ScriptedApply[];
  /** The latest apply on a target. Throws when there is none: the test expected one. */
  applyOn(target: string): ScriptedApply;
  /** Ends the latest apply on a target now. */
  completeApply(target: string): void;
  failApply(target: string, message: string): void;
  /** Ends the step that holds the latest apply on a target. */
  proceed(target: string): void;
  /** Takes the script of a target back, from its latest apply too: what is at work goes on to its end. */
  behave(target: string): void;
  /** Lets the accepted stop of a target with `stop: 'on_release'` take effect. */
  landStop(target: string): void;
  /** Someone else permits the cutover of the latest apply on a target, by hand on the engine. */
  cutOver(target: string): void;
  /** What is parked on a target is given up by the engine now, as after `parkedMs`. */
  expire(target: string): void;
  /** Someone else reverts the latest apply on a target, or gives its window up, by hand on the engine. */
  revert(target: string): void;
  skipRevert(target: string): void;
  /** Lets the accepted revert of a target with `revert: 'on_release'` take effect. */
  landRevert(target: string): void;
  /** The engine loses the latest apply on a target: NOT_FOUND from now on. */
  forgetApply(target: string): void;
  /** The engine loses its stored plans, as after a restart without storage. */
  forgetPlans(): void;
  /** Someone else changes the target, so that a reviewed plan no longer matches. */
  changeLiveSchema(target: string, statements: readonly string[]): void;
  /** Someone changes the target by hand: every diff holds this statement from now on. At other moments: `Script.byHand`. */
  changeByHand(target: string, ddl: string): void;
  /** From now on the target says all that is to be altered in one table in one statement. */
  foldAlters(target: string): void;
  /** How many changes have taken effect on the target, whoever reported what. */
  changesMade(target: string): number;
  /** What the target holds, by object. */
  liveSchema(target: string): LiveSchema;
  /** Cuts every connection and refuses new ones, until `resume`. State and ledger stay. */
  pause(): Promise<void>;
  /** Listens again on the same port. */
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/** How an engine calls a person who works on it by hand. */
const SOMEONE_ELSE = 'someone else';

let engineCount = 0;

export async function startScriptedEngine(options: ScriptedEngineOptions): Promise<ScriptedEngine> {
  engineCount += 1;
  const { dialect = 'full', name = `engine-${engineCount}` } = options;
  const { lookup = dialect === 'full', credentials = ServerCredentials.createInsecure() } = options;
  const ledger = new Ledger();
  const faults = new Faults();
  const targets = options.targets.map(toTargetOptions);
  const plane = new ScriptedPlane({ name, dialect, ledger, targets });
  const handlers = handlersOf(plane, healthFacts(dialect, lookup), targets.length > 1);
  const wiring = { plane, handlers, faults, ledger, lookup };
  let { server, port } = await listen(wiring, 0, credentials);

  const applyOn = (target: string): ScriptedApply => {
    const apply = plane.latestOn(target);
    if (apply === undefined) throw new Error(`no apply on target ${target}; the engine saw:\n${ledger.describe()}`);
    return apply;
  };
  return {
    address: `127.0.0.1:${port}`,
    ledger,
    addTarget: (target) => plane.addTarget(toTargetOptions(target)),
    script: (target, script) => plane.setScript(target, script),
    fault: (rule) => faults.add(rule),
    clearFaults: () => faults.clear(),
    applies: () => plane.applies,
    applyOn,
    completeApply: (target) => applyOn(target).end('completed'),
    failApply: (target, message) => applyOn(target).end('failed', message),
    proceed: (target) => applyOn(target).proceed(),
    behave: (target) => {
      plane.setScript(target, {});
      plane.latestOn(target)?.behave();
    },
    landStop: (target) => landStop(applyOn(target)),
    cutOver: (target) => applyOn(target).permitCutover(SOMEONE_ELSE),
    expire: (target) => applyOn(target).expire(),
    revert: (target) => applyOn(target).leaveWindow('revert', SOMEONE_ELSE),
    skipRevert: (target) => applyOn(target).leaveWindow('skip_revert', SOMEONE_ELSE),
    landRevert: (target) => applyOn(target).landRevert(),
    forgetApply: (target) => plane.forgetApply(applyOn(target)),
    forgetPlans: () => plane.plans.forget(),
    changeLiveSchema: (target, statements) => {
      for (const [key, definition] of liveSchemaOf(statements)) plane.target(target).live.set(key, definition);
    },
    changeByHand: (target, ddl) => changeByHand(plane.target(target).live, ddl),
    foldAlters: (target) => {
      plane.target(target).folds = true;
    },
    changesMade: (target) => plane.target(target).changesMade,
    liveSchema: (target) => plane.target(target).live,
    pause: () => close(server),
    resume: async () => {
      ({ server, port } = await listen(wiring, port, credentials));
    },
    stop: async () => {
      faults.clear();
      await close(server);
    },
  };
}

function toTargetOptions(target: string | TargetOptions): TargetOptions {
  return typeof target === 'string' ? { name: target } : target;
}

function healthFacts(dialect: Dialect, lookup: boolean) {
  if (dialect !== 'full') return { version: '', capabilities: [] };
  const capabilities = [CAPABILITY.maxTableBytes, ...(lookup ? [CAPABILITY.lookupByKey] : [])];
  return { version: 'scripted-1', capabilities };
}

/** Resolves when the port is free again. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve());
  });
  server.forceShutdown();
  await closed;
}
