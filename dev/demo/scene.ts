import { Client, Connection } from '@temporalio/client';
import { type ApplyStatus, type RolloutPlan, readSpecFile, SkeinClient } from '../../client/index.js';
import type { Closing } from '../closing.js';
import type { Stack } from '../stack.js';
import { claim, command, elapsed, note, ProgressDisplay, say, table } from './screen.js';

/** What both scenes of the demo have in common: a stack, the client library on it, and a count of broken promises. */
export interface SceneOptions {
  /** Rows per database. */
  readonly rows: number;
  readonly closing: Closing;
}

/** A scene returns whether everything it showed was as promised. */
export type Scene = (options: SceneOptions) => Promise<{ readonly isGood: boolean; readonly stack: Stack }>;

const LOOK_INTERVAL_MS = 250;

/** Connects the client library to the stack's server. */
export async function connectClient(stack: Stack, closing: Closing): Promise<SkeinClient> {
  const connection = await Connection.connect({ address: stack.temporal.address });
  closing.add('the client', () => connection.close());
  const client = new Client({ connection, namespace: stack.temporal.namespace, identity: 'skein demo' });
  return new SkeinClient(client, { caller: 'demo', address: stack.temporal.address });
}

/** Plans the file and prints the statements, once per group of deployments that share them. */
export async function planAndShow(client: SkeinClient, path: string): Promise<RolloutPlan> {
  command('skein plan -f rollout.yaml');
  const plan = await client.plan(await readSpecFile(path));
  for (const each of plan.classes) {
    say(`  ${each.deployments.map(({ deployment }) => deployment).join(', ')}:`);
    for (const change of each.plan.changes) say(indent(change.ddl, 4));
  }
  for (const problem of plan.problems) say(`  problem (${problem.deployments.join(', ')}): ${problem.message}`);
  return plan;
}

function indent(text: string, spaces: number): string {
  return text.replace(/^/gm, ' '.repeat(spaces));
}

/** The apply's page in the Temporal UI, while that is up. */
export function sayPage(stack: Stack, apply: string): void {
  const { uiAddress, namespace } = stack.temporal;
  if (uiAddress !== null) {
    note(`Temporal UI: ${uiAddress}/namespaces/${namespace}/workflows/${encodeURIComponent(apply)}`);
  }
}

/**
 * Follows an apply on the screen until it has ended, or until `isEnough` says so, which is asked again and again beside
 * the status, because it may look at other things. Resolves to the last status seen.
 */
export async function follow(
  client: SkeinClient,
  apply: string,
  isEnough: () => Promise<boolean> = () => Promise.resolve(false),
): Promise<ApplyStatus> {
  const display = new ProgressDisplay();
  const enough = new AbortController();
  const asking = setInterval(() => {
    isEnough().then(
      (is) => is && enough.abort(),
      () => undefined, // A question that failed is asked again.
    );
  }, LOOK_INTERVAL_MS);
  try {
    for await (const status of client.watch(apply, { intervalMs: LOOK_INTERVAL_MS, signal: enough.signal })) {
      display.show(status);
    }
  } finally {
    clearInterval(asking);
    display.end();
  }
  return client.status(apply);
}

/** The table at the end: one row per deployment. */
export function showResult(status: ApplyStatus): void {
  say('');
  table(
    ['deployment', 'target', 'state', 'attempt', 'elapsed', 'remote apply id', 'message'],
    status.operations.map((operation) => [
      operation.deployment,
      operation.target,
      operation.reason === null ? operation.state : `${operation.state} (${operation.reason})`,
      String(operation.attempt),
      elapsed(operation),
      operation.remoteApplyId ?? '-',
      shorten(operation.message, 60),
    ]),
  );
  say(`apply ${status.apply}: ${status.state}${status.message === '' ? '' : ` (${status.message})`}`);
}

function shorten(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax - 1)}…`;
}

/** Claims of one scene; the demo's exit code is theirs. */
export class Claims {
  #isGood = true;

  make(isKept: boolean, text: string): void {
    this.#isGood = claim(isKept, text) && this.#isGood;
  }

  get isGood(): boolean {
    return this.#isGood;
  }
}
