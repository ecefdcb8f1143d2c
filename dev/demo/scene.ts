import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { type ApplyStatus, type RolloutPlan, readSpecFile, SkeinClient } from '../../client/index.js';
import type { Closing } from '../closing.js';
import { type RolloutFiles, writeRolloutFiles } from '../rollout-files.js';
import { type Stack, type StackOptions, startStack } from '../stack.js';
import { claim, command, elapsed, note, ProgressDisplay, say, table } from './screen.js';

/** What the scenes of the demo have in common: a stack, the client library on it, and a count of broken promises. */
export interface SceneOptions {
  /** Rows per database. */
  readonly rows: number;
  readonly closing: Closing;
}

/** A scene returns whether everything it showed was as promised. */
export type Scene = (options: SceneOptions) => Promise<{ readonly isGood: boolean; readonly stack: Stack }>;

const LOOK_INTERVAL_MS = 250;

/** Starts a scene's stack, saying what is done; `prepare` fills its databases. */
export function startSceneStack(
  options: Required<Pick<StackOptions, 'deployments' | 'prepare' | 'closing'>>,
): Promise<Stack> {
  return startStack({ ...options, ui: true, report: note });
}

/** Writes rollout.yaml and its schema beside the stack, shows it, and gives its path. */
export async function writeAndShow(stack: Stack, files: Omit<RolloutFiles, 'folder'>): Promise<string> {
  const { path, text } = await writeRolloutFiles({ ...files, folder: join(stack.folder, 'rollout') });
  say(`\nrollout.yaml:\n${indent(text, 2)}`);
  return path;
}

/** Which processes run, where they answer and where they log. */
export function describeStack(stack: Stack): void {
  say('');
  table(
    ['process', 'address', 'log'],
    [
      [
        `PostgreSQL (${stack.deployments.length} databases)`,
        `127.0.0.1:${stack.postgres.port}`,
        stack.postgres.dataDir,
      ],
      ['Temporal server', stack.temporal.address, join(stack.folder, 'temporal.log')],
      ['Temporal UI', stack.temporal.uiAddress ?? '-', ''],
      ...stack.deployments.map(({ engine, address }) => [engine.name, address, engine.logFile]),
      ['worker', '', stack.worker.logFile],
    ],
  );
}

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

export function indent(text: string, spaces: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(spaces));
}

/** The apply's page in the Temporal UI, while that is up. */
export function sayPage(stack: Stack, apply: string): void {
  const { uiAddress, namespace } = stack.temporal;
  if (uiAddress !== null) {
    note(`Temporal UI: ${uiAddress}/namespaces/${namespace}/workflows/${encodeURIComponent(apply)}`);
  }
}

/**
 * Follows an apply on the screen until it has ended, or until `isEnough` says so of the latest status, which is asked again
 * and again, because it may look at other things as well. Resolves to the last status seen.
 */
export async function follow(
  client: SkeinClient,
  apply: string,
  isEnough: (latest: ApplyStatus) => Promise<boolean> | boolean = () => false,
): Promise<ApplyStatus> {
  const display = new ProgressDisplay();
  const enough = new AbortController();
  let latest: ApplyStatus | null = null;
  const asking = setInterval(() => {
    void isReached(isEnough, latest).then((is) => is && enough.abort());
  }, LOOK_INTERVAL_MS);
  try {
    for await (const status of client.watch(apply, { intervalMs: LOOK_INTERVAL_MS, signal: enough.signal })) {
      latest = status;
      display.show(status);
    }
  } finally {
    clearInterval(asking);
    display.end();
  }
  return client.status(apply);
}

/** A question that failed is asked again. */
async function isReached(
  isEnough: (latest: ApplyStatus) => Promise<boolean> | boolean,
  latest: ApplyStatus | null,
): Promise<boolean> {
  try {
    return latest !== null && (await isEnough(latest));
  } catch {
    return false;
  }
}

/** The operation of one deployment; throws where there is none. */
export function operationOf(status: ApplyStatus, deployment: string): ApplyStatus['operations'][number] {
  const found = status.operations.find((operation) => operation.deployment === deployment);
  if (found === undefined) throw new Error(`apply ${status.apply} has no deployment ${deployment}`);
  return found;
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
