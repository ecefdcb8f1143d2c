import { dirname } from 'node:path';
import type { OperationStatus, SkeinClient } from '../../client/index.js';
import { needsPerson } from '../../client/why.js';
import { OPERATION_STATE } from '../../domain/state.js';
import type { Closing } from '../closing.js';
import type { Stack, StackDeployment } from '../stack.js';
import { CommandLine } from './command-line.js';
import { claimBarrier, recordsOf, showCutovers } from './cutover-proof.js';
import { OpenSnapshot, readEngineRecords, readIndexBuild } from './database.js';
import { COLUMN, INDEX, readBack, readChange, SCHEMA_AFTER, startOrders } from './orders.js';
import { Claims, connectClient, follow, operationOf, sayPage, type Scene, showResult, writeAndShow } from './scene.js';
import { say, timeOfDay, title } from './screen.js';

/** Two waves: a canary that bakes, a gate for a person, and a rest that becomes visible in one go. */

const CANARY = ['nz', 'ie'] as const;
const REST = ['eu', 'us', 'ap'] as const;
/** Of the rest: its index build has to wait for a snapshot, and so all of the wave waits for it. */
const LATE = 'ap';
const IN_TIME = REST.filter((name) => name !== LATE);
const DEPLOYMENTS = [...CANARY, ...REST].map((name) => ({ name, target: `orders_${name}` }));

const BAKE_SECONDS = 6;
/** Of the first scene's rows: there are nearly twice as many databases. */
const ROWS_SHARE = 2 / 3;
/** The application name of the session that holds the late one up. */
const REPORT = 'nightly report';

/** Of the commands that report a status (`skein why --help`). */
const EXIT_WAITS_FOR_PERSON = 4;

/** What every act needs. */
interface Act {
  readonly client: SkeinClient;
  readonly stack: Stack;
  readonly skein: CommandLine;
  readonly apply: string;
  readonly claims: Claims;
}

export const wavesScene: Scene = async ({ rows: rowsOfDemo, closing }) => {
  const rows = Math.ceil(rowsOfDemo * ROWS_SHARE);
  title('Skein demo: five databases in two waves');
  const stack = await startOrders({ deployments: DEPLOYMENTS, rows, closing });
  const path = await writeAndShow(stack, {
    database: 'orders',
    deployments: DEPLOYMENTS,
    rollout: {
      maxConcurrency: 2,
      onFailure: 'halt',
      cutover: 'barrier',
      waves: [
        { name: 'canary', deployments: CANARY, bakeTime: `${BAKE_SECONDS}s` },
        { name: 'rest', deployments: REST, gate: 'manual' },
      ],
    },
    schema: { 'orders.sql': SCHEMA_AFTER },
  });

  const client = await connectClient(stack, closing);
  const skein = new CommandLine(stack, dirname(path));
  const act: Act = { client, stack, skein, apply: client.newApplyId('orders'), claims: new Claims() };
  await planAndStart(act);
  await bakeCanary(act);
  const snapshot = await reachGate(act, closing);
  const approvedAt = await approveUntilHeld(act);
  await proveParked(act);
  await cutOverTogether(act, snapshot);
  await prove(act, { approvedAt });
  title('Read back from the catalogs of the five databases');
  await readBack(stack, rows, act.claims);
  return { isGood: act.claims.isGood, stack };
};

async function planAndStart({ stack, skein, apply }: Act): Promise<void> {
  title('What will happen? The rules of a rollout, run on this file without any server');
  await skein.run(
    `simulate -f rollout.yaml --duration 5s --duration ${LATE}=15s --cutover-duration 1s --approve-after 10s`,
  );
  title('What will be done where? Nothing is changed by asking');
  await skein.run('plan -f rollout.yaml --out plan.json');
  title('The canary');
  await skein.run(`apply plan.json --id ${apply} -y --detach`, { linesMax: 2 });
  sayPage(stack, apply);
}

async function bakeCanary({ client, stack, skein, apply, claims }: Act): Promise<void> {
  await follow(client, apply, (latest) => latest.waitingFor?.for === 'bake' || needsPerson(latest));
  say('\nBoth were parked with their index built, then cut over one after the other. Now the canary bakes:');
  await skein.run(`status ${apply}`);
  for (const deployment of deploymentsOf(stack, CANARY)) {
    const { hasIndex, hasColumn } = await readChange(deployment);
    claims.make(hasIndex && hasColumn, `${deployment.name}: the index is there, and the column`);
  }
  await follow(client, apply, needsPerson);
}

/** Shows the gate, and opens the snapshot that will hold one of the rest up. */
async function reachGate({ stack, skein, apply, claims }: Act, closing: Closing): Promise<OpenSnapshot> {
  title('The gate');
  const why = await skein.run(`why ${apply}`);
  claims.make(
    why.exitCode === EXIT_WAITS_FOR_PERSON && why.output.includes(`skein approve ${apply}`),
    `it says what to type, and ends with exit code ${why.exitCode}: a person is waited for`,
  );
  for (const deployment of deploymentsOf(stack, REST)) {
    const { hasIndex, hasColumn } = await readChange(deployment);
    const applies = await readEngineRecords(deployment.dsn);
    claims.make(
      !hasIndex && !hasColumn && applies.length === 0,
      `${deployment.name}: no index, no column; its engine has never heard of this apply`,
    );
  }
  const snapshot = await OpenSnapshot.open(stack.deployment(LATE).dsn, REPORT);
  closing.add('the open snapshot', () => snapshot.abandon());
  say(`\nMeanwhile a report is started in ${LATE}. It holds a snapshot open, and an index build must wait for it.`);
  return snapshot;
}

async function approveUntilHeld({ client, stack, skein, apply }: Act): Promise<Date> {
  const approvedAt = new Date();
  await skein.run(`approve ${apply} --wave rest`);
  const { dsn } = stack.deployment(LATE);
  const status = await follow(client, apply, async (latest) => {
    if (needsPerson(latest)) return true;
    const isReady = (name: string) => rankOf(operationOf(latest, name)) >= OPERATION_STATE.waiting_for_cutover.rank;
    // Held, and said so by the product itself.
    const isHeld = operationOf(latest, LATE).waitingOn.includes(REPORT);
    return IN_TIME.every(isReady) && isHeld && (await readIndexBuild(dsn))?.blockerPid != null;
  });
  if (operationOf(status, LATE).state !== 'running')
    throw new Error(
      `${LATE} was to be held by the open snapshot, but the apply is ${status.state} (${status.message})`,
    );
  return approvedAt;
}

/** While the late one keeps the others waiting: what is there already, and what nobody sees yet. */
async function proveParked({ stack, skein, apply, claims }: Act): Promise<void> {
  title('The barrier');
  await skein.run(`why ${apply}`);
  say(`\n${IN_TIME.join(' and ')} are ready, and wait for ${LATE}. From the catalogs, and from the engines' records:`);
  for (const deployment of deploymentsOf(stack, REST)) {
    const { name } = deployment;
    const { hasIndex, hasColumn } = await readChange(deployment);
    if (name === LATE) {
      const build = await readIndexBuild(deployment.dsn);
      claims.make(
        build?.blockerPid != null && !hasColumn,
        `${name}: the index build waits for ${build?.blocker ?? 'nothing'}; orders.${COLUMN} cannot be seen`,
      );
    } else {
      claims.make(hasIndex && !hasColumn, `${name}: ${INDEX} is built and valid; orders.${COLUMN} cannot be seen`);
    }
  }
  const records = await recordsOf(deploymentsOf(stack, REST));
  claims.make(
    records.every(({ cutover }) => cutover === null),
    'no engine of this wave has been told to cut over',
  );
}

async function cutOverTogether({ client, stack, apply, claims }: Act, snapshot: OpenSnapshot): Promise<void> {
  title('The report ends, and the rest cuts over');
  await snapshot.close();
  say(`  ${LATE}: snapshot closed`);
  const status = await follow(client, apply, needsPerson);
  showResult(status);
  sayPage(stack, apply);
  claims.make(status.state === 'completed', `the apply is completed in all ${status.operations.length} deployments`);
}

async function prove({ stack, claims }: Act, known: { readonly approvedAt: Date }): Promise<void> {
  title("Proof, from the engines' own records (schema _skein in each database; times in UTC)");
  const canary = await recordsOf(deploymentsOf(stack, CANARY));
  const rest = await recordsOf(deploymentsOf(stack, REST));
  const waves = [
    { wave: 'canary', records: canary },
    { wave: 'rest', records: rest },
  ];
  showCutovers(waves);
  claims.make(
    canary.length === CANARY.length && rest.length === REST.length,
    'each engine was given the change once, and only once',
  );
  const canaryEndedMs = Math.max(...canary.map(({ cutover }) => cutover?.settledAt?.getTime() ?? Infinity));
  const restBeganMs = Math.min(...rest.map(({ createdAt }) => createdAt.getTime()));
  claims.make(
    restBeganMs - canaryEndedMs >= BAKE_SECONDS * 1_000 && restBeganMs >= known.approvedAt.getTime(),
    `rest: began ${((restBeganMs - canaryEndedMs) / 1_000).toFixed(1)} s after the canary was done (bakeTime ${BAKE_SECONDS}s), and after the approval at ${timeOfDay(known.approvedAt)}`,
  );
  claimBarrier(waves, claims);
}

function rankOf({ state }: OperationStatus): number {
  return OPERATION_STATE[state].rank;
}

function deploymentsOf(stack: Stack, names: readonly string[]): readonly StackDeployment[] {
  return names.map((name) => stack.deployment(name));
}
