import type { Logger } from 'pino';
import { type CallFailure, invalidArgument, notFound, textOf } from '../errors.js';
import type { DatabaseKind, StoredApply, Target } from '../target.js';

/** What every call works on. */
export interface EngineState {
  readonly targets: ReadonlyMap<string, Target>;
  /** What all of them are. */
  readonly kind: DatabaseKind;
  readonly version: string;
  readonly logger: Logger;
  /** Calls that have not been answered yet, so that a stop can let them end. */
  readonly inFlight: Set<Promise<void>>;
  /** Where applies were found, by apply id, so that a poll asks one target. An apply never moves. */
  readonly homes: Map<string, Target>;
}

/** Homes remembered. One more than that costs a question to every target, nothing else. */
const HOMES_MAX = 10_000;

export interface RoutedApply {
  readonly target: Target;
  readonly apply: StoredApply;
}

/** The target that a request names. An engine with one target takes an empty name for that one. */
export async function targetNamed(engine: EngineState, name: string): Promise<Target> {
  const [only, ...others] = engine.targets.values();
  const target = name === '' && others.length === 0 ? only : engine.targets.get(name);
  if (target === undefined) {
    const known = [...engine.targets.keys()].toSorted().join(', ');
    throw invalidArgument(
      name === ''
        ? `target is required: this engine serves ${known}`
        : `target ${name} is not served by this engine; it serves ${known}`,
    );
  }
  await target.prepare();
  return target;
}

/**
 * Finds an apply by its id, in whichever target it is. Rejects with INVALID_ARGUMENT for an empty id (engine contract E07:
 * there is no "whatever is active"), NOT_FOUND when every target says no, UNAVAILABLE when one could not be asked.
 */
export async function applyWithId(engine: EngineState, applyId: string): Promise<RoutedApply> {
  if (applyId === '') throw invalidArgument('apply_id is required');
  const home = engine.homes.get(applyId);
  const candidates = home === undefined ? [...engine.targets.values()] : [home];
  const found = await searchTargets(engine, candidates, (target) => target.findApply(applyId));
  if (found === null) throw applyUnknown(applyId);
  if (engine.homes.size >= HOMES_MAX) engine.homes.clear();
  engine.homes.set(applyId, found.target);
  return found;
}

/** Finds an apply by idempotency key; null is definite (engine contract, lookup by key). */
export async function applyWithKey(engine: EngineState, key: string, targetName: string): Promise<RoutedApply | null> {
  const targets = targetName === '' ? [...engine.targets.values()] : [await targetNamed(engine, targetName)];
  return searchTargets(engine, targets, (target) => target.findApplyByKey(key));
}

/** Asks targets side by side; the first that has it answers, and a silent one matters only when none has it. */
async function searchTargets(
  engine: EngineState,
  targets: readonly Target[],
  find: (target: Target) => Promise<StoredApply | null>,
): Promise<RoutedApply | null> {
  const silent: { readonly target: Target; readonly error: unknown }[] = [];
  const asked = targets.map(async (target) => {
    let apply: StoredApply | null = null;
    try {
      await target.prepare();
      apply = await find(target);
    } catch (error) {
      engine.logger.warn({ target: target.name, reason: textOf(error) }, 'a target could not be asked');
      silent.push({ target, error });
    }
    if (apply === null) throw new Error(`not in target ${target.name}`);
    return { target, apply };
  });
  try {
    return await Promise.any(asked);
  } catch {
    const [first] = silent;
    if (first === undefined) return null;
    // Not finding it in the others proves nothing while one of them is silent.
    throw first.error;
  }
}

export function applyUnknown(applyId: string): CallFailure {
  return notFound(`apply ${applyId} is not known to any target of this engine`);
}
