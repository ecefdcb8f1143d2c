import type { ApplyStatus, SkeinClient } from '../../client/index.js';
import type { Stack } from '../stack.js';
import { makeCopies, OpenSnapshot, query, readEngineRecords, readIndex, readIndexBuild } from './database.js';
import {
  Claims,
  connectClient,
  follow,
  operationOf,
  planAndShow,
  sayPage,
  type Scene,
  showResult,
  startSceneStack,
  writeAndShow,
} from './scene.js';
import { command, say, table, timeOfDay, title } from './screen.js';

/** A stop that stops: one deployment failed, one in flight, two that must never start; and how it goes on afterwards. */

const DEPLOYMENTS = [
  { name: 'eu', target: 'customers_eu' },
  { name: 'us', target: 'customers_us' },
  { name: 'ap', target: 'customers_ap' },
  { name: 'sa', target: 'customers_sa' },
] as const;

const INDEX = 'customers_email_key';
/** A tenth of the other scene's: here nothing has to take long, because a snapshot holds the build. */
const ROWS_SHARE = 10;

/** The application name of the session that holds the build up. */
const REPORT = 'forgotten report';

const SCHEMA_BEFORE = 'create table customers (id bigint primary key, email text not null)';
const SCHEMA_AFTER = `CREATE TABLE customers (
  id bigint PRIMARY KEY,
  email text NOT NULL
);

-- No two customers with one address. Is that so today?
CREATE UNIQUE INDEX ${INDEX} ON customers (email);
`;

export const stopScene: Scene = async ({ rows, closing }) => {
  title('Skein demo: a stop that stops');
  const stack = await startSceneStack({
    deployments: DEPLOYMENTS,
    closing,
    prepare: async (postgres) => {
      const fill = `insert into customers select n, 'customer' || n || '@example.org' from generate_series(1, ${Math.ceil(rows / ROWS_SHARE)}) n`;
      await makeCopies(
        postgres,
        DEPLOYMENTS.map(({ target }) => target),
        [SCHEMA_BEFORE, fill, 'vacuum analyze customers'],
      );
    },
  });
  const [eu, us] = [stack.deployment('eu'), stack.deployment('us')];
  say('\nTwo things are wrong today, and nobody knows yet:');
  const [added] = await query<{ id: string }>(
    eu.dsn,
    "insert into customers select max(id) + 1, 'customer1@example.org' from customers returning id",
  );
  say(`  eu: customer ${added?.id ?? '?'} was given the address of customer 1`);
  const snapshot = await OpenSnapshot.open(us.dsn, REPORT);
  closing.add('the open snapshot', () => snapshot.abandon());
  say('  us: a report holds a snapshot open, and an index build must wait for it');

  const path = await writeAndShow(stack, {
    database: 'customers',
    deployments: DEPLOYMENTS,
    rollout: { maxConcurrency: 1, onFailure: 'continue' },
    schema: { 'customers.sql': SCHEMA_AFTER },
  });
  const client = await connectClient(stack, closing);
  const apply = client.newApplyId('customers');
  const claims = new Claims();
  await rollOutUntilHeld({ client, stack, apply, path });
  await stopAndProve({ client, stack, apply, claims });
  await mendAndRetry({ client, stack, apply, claims, snapshot });
  return { isGood: claims.isGood, stack };
};

interface Act {
  readonly client: SkeinClient;
  readonly stack: Stack;
  readonly apply: string;
}

async function rollOutUntilHeld({ client, stack, apply, path }: Act & { readonly path: string }): Promise<void> {
  const plan = await planAndShow(client, path);
  command(`skein apply -f rollout.yaml --id ${apply} -y`);
  await client.apply(plan, { id: apply });
  sayPage(stack, apply);
  const { dsn } = stack.deployment('us');
  const status = await follow(client, apply, async (latest) => {
    const build = await readIndexBuild(dsn);
    // Held, and said so by the product itself.
    return build?.blockerPid != null && operationOf(latest, 'us').waitingOn.includes(REPORT);
  });
  const build = await readIndexBuild(dsn);
  if (build === null || build.blockerPid === null) {
    throw new Error(`us was to be held by the open snapshot, but the apply is ${status.state} (${status.message})`);
  }
  say(`\neu has failed: ${operationOf(status, 'eu').message}`);
  say(`us is held: its index build is in the phase "${build.phase}" and waits for ${build.blocker}`);
  say(`skein says of us: ${operationOf(status, 'us').waitingOn}`);
  say('`onFailure: continue` would now go on to ap and sa, one after the other. A person stops it:');
}

async function stopAndProve({ client, stack, apply, claims }: Act & { readonly claims: Claims }): Promise<void> {
  command(`skein stop ${apply}`);
  const stoppedAt = new Date();
  const report = await client.stop(apply);
  say(
    `  ${report.answer}: ${Object.entries(report.deployments)
      .map(([name, effect]) => `${name} ${effect}`)
      .join(', ')}`,
  );
  const status = await follow(client, apply);
  showResult(status);

  title("Proof, from the engines' own records (table _skein.applies in each database)");
  const records = await Promise.all(
    stack.deployments.map(async ({ name, dsn }) => ({ name, applies: await readEngineRecords(dsn) })),
  );
  table(
    ['deployment', 'applies accepted', 'dispatched', 'state', `after the stop at ${timeOfDay(stoppedAt)}`],
    records.map(({ name, applies }) => [
      name,
      String(applies.length),
      applies.map(({ createdAt }) => timeOfDay(createdAt)).join(', ') || 'never',
      applies.map(({ state }) => state).join(', ') || '-',
      String(applies.filter(({ createdAt }) => createdAt > stoppedAt).length),
    ]),
  );
  const countOf = (name: string) => records.find((each) => each.name === name)?.applies.length;
  claims.make(
    records.every(({ applies }) => applies.every(({ createdAt }) => createdAt <= stoppedAt)),
    'nothing was dispatched after the stop',
  );
  claims.make(countOf('ap') === 0 && countOf('sa') === 0, 'ap and sa never heard of this apply');
  claims.make(
    stateOf(status, 'us') === 'stopped' && records.find(({ name }) => name === 'us')?.applies[0]?.state === 'stopped',
    'us was stopped on its engine, in the middle of the work',
  );
  claims.make((await readIndexBuild(stack.deployment('us').dsn)) === null, 'no index build runs in us any more');
  claims.make(
    status.state === 'failed' && status.message.startsWith('eu: '),
    `the apply ended ${status.state}, with the message of the first failure`,
  );
}

async function mendAndRetry(act: Act & { readonly claims: Claims; readonly snapshot: OpenSnapshot }): Promise<void> {
  const { client, stack, apply, claims, snapshot } = act;
  title('Mended: the duplicate is deleted, the report is closed');
  const { dsn } = stack.deployment('eu');
  const removed = await query(
    dsn,
    'delete from customers a using customers b where a.email = b.email and a.id > b.id returning a.id',
  );
  say(`  eu: ${removed.length} row deleted`);
  await snapshot.close();
  say('  us: snapshot closed');
  command(`skein retry ${apply}`);
  await client.retry(apply);
  const status = await follow(client, apply);
  showResult(status);

  title('Read back from the catalogs of the four databases');
  claims.make(status.state === 'completed', 'one command has finished all that was left');
  for (const deployment of stack.deployments) {
    const index = await readIndex(deployment.dsn, INDEX);
    claims.make(
      index?.isValid === true,
      `${deployment.name}: ${index === null ? `no index ${INDEX}` : `${index.definition} (${index.isValid ? 'valid' : 'INVALID'})`}`,
    );
  }
}

function stateOf(status: ApplyStatus, deployment: string): string {
  return operationOf(status, deployment).state;
}
