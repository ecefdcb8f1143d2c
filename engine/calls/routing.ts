import type { Logger } from 'pino';
import { databaseText, invalidArgument, isConnectionLoss, notFound, unavailable } from '../errors.js';
import { findApply, findApplyByKey, type StoredApply } from '../storage/applies.js';
import type { Target } from '../target.js';

/** What every call works on. */
export interface EngineState {
  readonly targets: ReadonlyMap<string, Target>;
  readonly version: string;
  readonly logger: Logger;
  /** Calls that have not been answered yet, so that a stop can let them end. */
  readonly inFlight: Set<Promise<void>>;
}

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
  const found = await searchTargets(engine, [...engine.targets.values()], (target) => findApply(target.pool, applyId));
  if (found === null) throw notFound(`apply ${applyId} is not known to any target of this engine`);
  return found;
}

/** Finds an apply by idempotency key; null is definite (engine contract, lookup by key). */
export async function applyWithKey(engine: EngineState, key: string, targetName: string): Promise<RoutedApply | null> {
  const targets = targetName === '' ? [...engine.targets.values()] : [await targetNamed(engine, targetName)];
  return searchTargets(engine, targets, (target) => findApplyByKey(target.pool, key));
}

async function searchTargets(
  engine: EngineState,
  targets: readonly Target[],
  find: (target: Target) => Promise<StoredApply | null>,
): Promise<RoutedApply | null> {
  const answers = await Promise.all(
    targets.map(async (target) => {
      try {
        await target.prepare();
        const apply = await find(target);
        return apply === null ? null : ({ kind: 'found', target, apply } as const);
      } catch (error) {
        engine.logger.warn({ target: target.name, reason: databaseText(error) }, 'a target could not be asked');
        return { kind: 'silent', target, error } as const;
      }
    }),
  );
  let silent: { readonly target: Target; readonly error: unknown } | null = null;
  for (const answer of answers) {
    if (answer === null) continue;
    if (answer.kind === 'found') return { target: answer.target, apply: answer.apply };
    silent ??= answer;
  }
  if (silent === null) return null;
  // Not finding it in the others proves nothing while one of them is silent.
  throw isConnectionLoss(silent.error)
    ? unavailable(
        `target ${silent.target.name}: its database does not answer: ${databaseText(silent.error)}`,
        silent.error,
      )
    : silent.error;
}
