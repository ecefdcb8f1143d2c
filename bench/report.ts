import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import Table from 'cli-table3';
import { describeBeginnings, type Quietness } from './quiet.js';

/** One line of the result. */
export interface Row {
  readonly measure: string;
  readonly deployments: number;
  readonly value: number;
  readonly unit: 'ms' | 'ms of CPU' | 'events' | 'calls' | 'MiB';
  /** The same with empty children, in the same run; null where there is no such thing. */
  readonly floor: number | null;
  /** Value to floor where there is one, else value to goal; null without either. */
  readonly ratio: number | null;
  /** For the ratio where there is a floor, else for the value. Null: shown, not judged. */
  readonly goal: number | null;
  readonly met: boolean | null;
}

/** A row without a floor, which is judged by its value where there is a goal. */
export function row(name: string, deployments: number, value: number, unit: Row['unit'], goal: number | null): Row {
  const met = goal === null ? null : value <= goal;
  return {
    measure: name,
    deployments,
    value,
    unit,
    floor: null,
    ratio: goal === null ? null : value / goal,
    goal,
    met,
  };
}

export interface Report {
  readonly machine: Machine;
  readonly rows: readonly Row[];
  /** How the server was at the beginning of each measurement. */
  readonly beginnings: readonly Quietness[];
}

/** What the numbers depend on, and nothing that identifies the machine. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
  /** Load average of the last minute before the run. Above the cores: other work was going on. Zero on Windows. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

const HEAD = ['measure', 'deployments', 'value', 'floor', 'ratio', 'goal', ''] as const;

export function toTable({ machine, rows, beginnings }: Report): string {
  const table = new Table({ head: [...HEAD], style: { head: [], border: [] } });
  for (const line of rows) table.push(cells(line));
  return `${table.toString()}\n${machineLine(machine)}\n${describeBeginnings(beginnings)}`;
}

export function toMarkdown({ machine, rows, beginnings }: Report): string {
  const lines = [HEAD, HEAD.map((_, index) => (index === 0 ? '---' : '---:')), ...rows.map(cells)];
  return [
    '# Baseline of `npm run bench`',
    '',
    `Printed by \`npm run bench -- --baseline\`. ${machineLine(machine)}`,
    '',
    'Scripted engines over real gRPC, the embedded Temporal server and the worker in a process of its own share these',
    'cores. Times are medians; the floor is the same number of empty children with one activity that does nothing, in the',
    'same run, unless a row says otherwise; each rollout includes its verification, one PlanDiff per deployment.',
    '',
    describeBeginnings(beginnings),
    '',
    ...lines.map((line) => `| ${line.join(' | ')} |`),
    '',
    ...WHERE_THE_TIME_GOES,
    '',
  ].join('\n');
}

/** What profiles have shown; the rows on CPU time are of the run itself, these numbers are not. */
const WHERE_THE_TIME_GOES = [
  '## Where the time goes',
  '',
  'The rows on CPU time are medians of this run; what follows was found with a profile and by counting calls, at 500',
  'deployments. Events and server updates per deployment dominate: the floor costs about 7.9 workflow updates per child',
  'and a rollout 18.3. The child of a rollout has 4 workflow tasks and 2 activities against 2 and 1, and the signal that',
  "admits it costs 3 updates. The worker's share is mostly that of the SDK: its promise hooks, and entering the workflow's",
  'VM. The work of the parent that grows with the rollout (`decide`, `rolloutOperations` and `showDetails`) takes 80 ms of',
  "the worker's 12.6 s of CPU, under 1 %.",
];

function cells({ measure, deployments, value, unit, floor, ratio, goal, met }: Row): string[] {
  return [
    measure,
    String(deployments),
    `${rounded(value)} ${unit}`,
    floor === null ? '' : `${rounded(floor)} ${unit}`,
    ratio === null ? '' : ratio.toFixed(2),
    goal === null ? '' : floor === null ? `${goal} ${unit}` : `ratio ${goal}`,
    met === null ? '' : met ? 'met' : 'MISSED',
  ];
}

function rounded(quantity: number): string {
  return quantity < 100 ? quantity.toFixed(1) : quantity.toFixed(0);
}

function machineLine({ cores, processor, memoryGiB, platform, node, loadBefore }: Machine): string {
  const line = `${cores} cores (${processor}), ${memoryGiB} GiB, ${platform}, Node ${node}; load before the run ${loadBefore}.`;
  return loadBefore < cores / 2 ? line : `${line} ${BUSY}`;
}

/** Times on a machine that does something else as well are no measure of the product; events and ratios suffer less. */
export const BUSY = 'Other work was going on, so the times are worse than the machine would allow.';
