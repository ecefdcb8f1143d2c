import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../dev/folders.js';
import { runFloor } from './floor.js';
import { measureFanOut, measureReadBefore, measureSequence, measureSingle, measureStop } from './measurements.js';
import { measureDifference } from './difference.js';
import { measurePlanning } from './planning.js';
import { BUSY, describeMachine, type Report, type Row, toMarkdown, toTable } from './report.js';
import { openRig, type Rig } from './rig.js';
import { prepare, rollOut } from './rollout.js';

const HELP = `Measures what a rollout costs, against the same number of empty workflows in the same run.
Each measurement waits until the server is quiet, so a run takes some ten minutes, most of it waiting.

npm run bench -- [options]
  -o, --output table|json   what to print (default table)
  --sizes 100,500           how many deployments at once, each size a row (default 100,500)
  --rounds n                rounds per size, of which the median counts (default 3)
  --planning                only what plans and differences take, without Temporal
  --baseline                also write bench/baseline.md
`;

const SEQUENCE_DEPLOYMENTS = 20;
const READ_BEFORE_DEPLOYMENTS = 100;
const STOPS_IN_FLIGHT = [10, 100] as const;
const WARM_UP_DEPLOYMENTS = 20;

const { values } = parseArgs({
  options: {
    output: { type: 'string', short: 'o', default: 'table' },
    sizes: { type: 'string', default: '100,500' },
    rounds: { type: 'string', default: '3' },
    planning: { type: 'boolean', default: false },
    baseline: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  process.stdout.write(HELP);
} else {
  const sizes = values.sizes.split(',').map(Number);
  const rounds = Number(values.rounds);
  if ([...sizes, rounds].some((number) => !Number.isInteger(number) || number < 1)) {
    process.stderr.write(`--sizes and --rounds take whole numbers from 1\n${HELP}`);
    process.exitCode = 64;
  } else {
    await bench({ sizes, rounds });
  }
}

async function bench({ sizes, rounds }: { readonly sizes: readonly number[]; readonly rounds: number }): Promise<void> {
  const machine = describeMachine();
  if (machine.loadBefore >= machine.cores / 2) say(BUSY);
  say('a plan of many tables');
  const planning = [...(await measureDifference(rounds)), ...(await measurePlanning(rounds))];
  if (values.planning) {
    print({ machine, rows: planning, beginnings: [] });
    return;
  }
  const rig = await openRig({
    deployments: Math.max(
      ...sizes,
      READ_BEFORE_DEPLOYMENTS,
      ...STOPS_IN_FLIGHT,
      SEQUENCE_DEPLOYMENTS,
      WARM_UP_DEPLOYMENTS,
    ),
    report: say,
  });
  try {
    const rows = [...(await measureAll(rig, { sizes, rounds })), ...planning];
    const report: Report = { machine, rows, beginnings: rig.beginnings };
    print(report);
    if (values.baseline) await writeFile(path.join(repositoryRoot(), 'bench', 'baseline.md'), toMarkdown(report));
  } finally {
    await rig.close();
  }
}

function print(report: Report): void {
  process.stdout.write(`${values.output === 'json' ? JSON.stringify(report) : toTable(report)}\n`);
}

async function measureAll(
  rig: Rig,
  params: { readonly sizes: readonly number[]; readonly rounds: number },
): Promise<readonly Row[]> {
  const { sizes, rounds } = params;
  say('warming up');
  await runFloor(rig.client, { children: WARM_UP_DEPLOYMENTS, id: 'floor-warm-up' });
  const warmUp = { id: 'warm-up', deployments: WARM_UP_DEPLOYMENTS, maxConcurrency: WARM_UP_DEPLOYMENTS };
  await rollOut(rig, await prepare(rig, warmUp));
  const rows: Row[] = [];
  say('one deployment, and a sequence');
  rows.push(...(await measureSingle(rig)), ...(await measureSequence(rig, SEQUENCE_DEPLOYMENTS)));
  for (const deployments of sizes) {
    say(`${deployments} deployments at once, ${rounds} rounds`);
    rows.push(...(await measureFanOut(rig, { deployments, rounds })));
  }
  say(`${READ_BEFORE_DEPLOYMENTS} deployments whose diff is read before the dispatch, ${rounds} rounds`);
  rows.push(...(await measureReadBefore(rig, { deployments: READ_BEFORE_DEPLOYMENTS, rounds })));
  for (const deployments of STOPS_IN_FLIGHT) {
    say(`a stop with ${deployments} in flight`);
    rows.push(...(await measureStop(rig, deployments)));
  }
  return rows;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
