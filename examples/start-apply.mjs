/**
 * Starts an apply with the library, follows it to its end, and exits as it ended. Run it after `npm run build`:
 *
 *   node examples/start-apply.mjs examples/rollout.yaml [apply-id]
 *
 * It connects like the `temporal` CLI: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PROFILE. Repeat it with the same
 * apply id and it attaches to the apply that is there, instead of starting a second one.
 */
import { SkeinClient, SkeinError, readSpecFile } from 'skein';

const [path = 'examples/rollout.yaml', id] = process.argv.slice(2);

try {
  const file = await readSpecFile(path);
  const skein = await SkeinClient.connect();
  try {
    const plan = await skein.plan(file);
    for (const { deployments, plan: each } of plan.classes) {
      console.log(`${deployments.map(({ deployment }) => deployment).join(', ')}:`);
      for (const change of each.changes) console.log(`  ${change.ddl}`);
    }

    // Refused here, with every reason, if the deployments have drifted apart or a statement is unsafe.
    const started = await skein.apply(plan, id === undefined ? {} : { id });
    console.log(started.attached ? `attached to ${started.apply}` : `started ${started.apply}`);

    let last = null;
    for await (const status of skein.watch(started.apply)) {
      console.log(
        `${status.state}: ${status.operations.map(({ deployment, state }) => `${deployment} ${state}`).join(', ')}`,
      );
      last = status;
    }
    // A stop from here would be `await skein.stop(started.apply)`; it is resumable with `skein.start(started.apply)`.
    process.exitCode = last?.state === 'completed' ? 0 : 1;
  } finally {
    await skein.close();
  }
} catch (error) {
  if (!(error instanceof SkeinError)) throw error;
  console.error([error.message, ...error.problems].join('\n'));
  process.exitCode = 1;
}
