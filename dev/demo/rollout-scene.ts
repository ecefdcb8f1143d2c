import { readBack, SCHEMA_AFTER, startOrders } from './orders.js';
import { Claims, connectClient, follow, planAndShow, sayPage, type Scene, showResult, writeAndShow } from './scene.js';
import { command, title } from './screen.js';

/** One schema change over three databases, to the end. */

const DEPLOYMENTS = [
  { name: 'eu', target: 'orders_eu' },
  { name: 'us', target: 'orders_us' },
  { name: 'ap', target: 'orders_ap' },
] as const;

export const rolloutScene: Scene = async ({ rows, closing }) => {
  title('Skein demo: one schema change over three databases');
  const stack = await startOrders({ deployments: DEPLOYMENTS, rows, closing });
  const path = await writeAndShow(stack, {
    database: 'orders',
    deployments: DEPLOYMENTS,
    rollout: { maxConcurrency: 2, onFailure: 'halt' },
    schema: { 'orders.sql': SCHEMA_AFTER },
  });

  const client = await connectClient(stack, closing);
  const plan = await planAndShow(client, path);
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
