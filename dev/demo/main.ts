import { parseArgs } from 'node:util';
import { Closing } from '../closing.js';
import { EXIT_OF_INTERRUPT, handleInterrupt, untilAborted } from '../interrupt.js';
import type { Stack } from '../stack.js';
import { rolloutScene } from './rollout-scene.js';
import type { Scene } from './scene.js';
import { say, title } from './screen.js';
import { stopScene } from './stop-scene.js';
import { wavesScene } from './waves-scene.js';

const ROWS = 3_000_000;
const ROWS_MIN = 1_000;

/** The word that chooses each scene. */
const SCENES: Readonly<Record<string, Scene>> = { rollout: rolloutScene, stop: stopScene, waves: wavesScene };

const USAGE = `Usage: npm run demo [-- [rollout | stop | waves] [--keep] [--rows <count>]]

Shows the product on this machine, with real databases. Nothing is left behind.

  rollout          one schema change over three databases (also without a word)
  stop             a stop in the middle of a rollout, its proof, and how it goes on
  waves            five databases in two waves: a canary that bakes, a gate, and a cutover that waits for the last

  --keep           leave everything running afterwards, until Ctrl-C, to look at it
  --rows <count>   rows per database, of which stop and waves take a share (default ${ROWS.toLocaleString('en')}, at least ${ROWS_MIN.toLocaleString('en')})

Exit codes: 0 everything was as promised, 1 it was not, 64 usage, 130 Ctrl-C
`;

const EXIT = { good: 0, bad: 1, usage: 64 } as const;

interface DemoOptions {
  readonly scene: Scene;
  readonly keep: boolean;
  readonly rows: number;
}

/** Null after a mistake or `--help`, with the exit code set. */
function readOptions(args: readonly string[]): DemoOptions | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { keep: { type: 'boolean' }, rows: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) {
      process.stdout.write(USAGE);
      return null;
    }
    const [word = 'rollout', ...more] = positionals;
    const scene = SCENES[word];
    if (more.length > 0 || scene === undefined) throw new Error(`unknown: ${positionals.join(' ')}`);
    const rows = values.rows === undefined ? ROWS : Number(values.rows.replaceAll(/[_,]/g, ''));
    if (!Number.isInteger(rows) || rows < ROWS_MIN) {
      throw new Error(`--rows must be a whole number of at least ${ROWS_MIN}, got ${values.rows}`);
    }
    return { scene, keep: values.keep ?? false, rows };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = EXIT.usage;
    return null;
  }
}

async function run({ scene, keep, rows }: DemoOptions): Promise<number> {
  const startedAt = Date.now();
  const closing = new Closing();
  const interrupt = new AbortController();
  handleInterrupt(() => {
    say('\nEnding everything that was started.');
    interrupt.abort();
    if (isKept) return;
    closing.run().then(exitInterrupted, exitInterrupted);
  });
  let isKept = false;
  try {
    const { isGood, stack } = await scene({ rows, closing });
    say(
      `\n${isGood ? 'Everything was as promised' : 'NOT everything was as promised'}, after ${((Date.now() - startedAt) / 1000).toFixed(0)} s.`,
    );
    if (!keep) say('All of it ends now; with --keep it stays, and the Temporal UI with it.');
    if (keep) {
      isKept = true;
      explainKeeping(stack);
      await untilAborted(interrupt.signal);
    }
    return isGood ? EXIT.good : EXIT.bad;
  } finally {
    await closing.run();
  }
}

function exitInterrupted(): never {
  process.exit(EXIT_OF_INTERRUPT);
}

function explainKeeping(stack: Stack): void {
  title('Still running, until Ctrl-C');
  say(`Temporal UI: ${stack.temporal.uiAddress ?? 'none'}`);
  say('In another terminal, in this folder:');
  say(`  export TEMPORAL_ADDRESS=${stack.temporal.address} SKEIN_CONFIG=${stack.configFile}`);
  say('  npm run -s skein -- list');
  say(`  temporal workflow list --address ${stack.temporal.address}`);
  say(`  tctl --address ${stack.temporal.address} --namespace ${stack.temporal.namespace} workflow list --open`);
  for (const { name, dsn } of stack.deployments) say(`  psql '${dsn}'   # ${name}`);
}

const options = readOptions(process.argv.slice(2));
if (options !== null) {
  try {
    process.exitCode = await run(options);
  } catch (error) {
    process.stderr.write(`\nThe demo could not go on: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = EXIT.bad;
  }
}
