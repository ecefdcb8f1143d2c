import { join } from 'node:path';
import { writeRolloutFiles } from '../rollout-files.js';
import { startStack } from '../stack.js';
import { makeOrders, readBack, SCHEMA_AFTER } from './orders.js';
import { Claims, connectClient, describeStack, follow, planAndShow, sayPage, type Scene, showResult } from './scene.js';
import { command, note, say, title } from './screen.js';

/** One schema change over three databases, to the end. */

const DEPLOYMENTS = [
  { name: 'eu', target: 'orders_eu' },
  { name: 'us', target: 'orders_us' },
  { name: 'ap', target: 'orders_ap' },
] as const;

export const rolloutScene: Scene = async ({ rows, closing }) => {
  title('Skein demo: one schema change over three databases');
  const stack = await startStack({
    deployments: DEPLOYMENTS,
    ui: true,
    report: note,
    closing,
    prepare: async (postgres) => {
      note(`filling three databases with ${rows.toLocaleString('en')} rows each`);
      await makeOrders(
        postgres,
        DEPLOYMENTS.map(({ target }) => target),
        rows,
      );
    },
  });
  describeStack(stack);
  const files = await writeRolloutFiles({
    folder: join(stack.folder, 'rollout'),
    database: 'orders',
    deployments: DEPLOYMENTS,
    rollout: { maxConcurrency: 2, onFailure: 'halt' },
    schema: { 'orders.sql': SCHEMA_AFTER },
  });
  say(`\nrollout.yaml:\n${files.text.replace(/^(?=.)/gm, '  ')}`);

  const client = await connectClient(stack, closing);
  const plan = await planAndShow(client, files.path);
  const apply = client.newApplyId('orders');
  command(`skein apply -f rollout.yaml --id ${apply} -y`);
  await client.apply(plan, { id: apply });
  sayPage(stack, apply);
  const status = await follow(client, apply);
  showResult(status);

  title('Read back from the catalogs of the three databases');
  const claims = new Claims();
  claims.make(status.state === 'completed', `the apply is completed in all ${status.operations.length} deployments`);
  await readBack(stack, rows, claims);
  return { isGood: claims.isGood, stack };
};
