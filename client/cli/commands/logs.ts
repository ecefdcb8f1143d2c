import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { newLines } from '../../logs.js';
import { isOver } from '../../watch.js';
import { wholeNumber } from '../arguments.js';
import { type Cli, type CommandContext, type CommonOptions, addCommonOptions, collect } from '../cli.js';
import type { ExitCode } from '../exit-code.js';
import { renderLogErrors, renderLogLine } from '../render-answers.js';

interface LogsCommandOptions extends CommonOptions {
  readonly deployment: readonly string[];
  readonly limit: number;
  readonly follow: boolean;
}

/** Time between two reads of the engines' logs. */
const FOLLOW_INTERVAL_MS = 2_000;

export function addLogsCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('logs'))
    .description("show the engines' own logs of an apply, oldest line first")
    .argument('<apply>', 'apply id')
    .option('--deployment <name>', 'only this one; may be given several times (default: all)', collect, [])
    .option('--limit <lines>', 'lines per deployment, the newest; 1 to 1000', wholeNumber({ min: 1, max: 1_000 }), 100)
    .option('-f, --follow', 'keep reading until the apply has ended; with -o json one object per line', false)
    .action(async (apply: string, options: LogsCommandOptions) => {
      await cli.run(options, async (context) =>
        options.follow ? await followLogs(context, apply, options) : await showLogs(context, apply, options),
      );
    });
}

async function showLogs(context: CommandContext, apply: string, options: LogsCommandOptions): Promise<ExitCode> {
  const answers = await context.client.logs(apply, selection(options));
  if (context.json) context.print(JSON.stringify({ apply, deployments: answers }));
  else for (const { deployment, line } of newLines(answers, new Set())) context.print(renderLogLine(deployment, line));
  if (answers.length === 0) context.note(`nothing of ${apply} was dispatched to an engine, so there are no logs`);
  const errors = renderLogErrors(answers);
  for (const error of errors) context.note(error);
  return errors.length === 0 ? 0 : 69;
}

async function followLogs(context: CommandContext, apply: string, options: LogsCommandOptions): Promise<ExitCode> {
  const { client, json, print, note } = context;
  const seen = new Set<string>();
  const complaints = new Set<string>();
  for (;;) {
    // Asked before the logs are read, so that the last lines of an apply that ends in between are not missed.
    const over = isOver(await client.status(apply));
    const answers = await client.logs(apply, selection(options));
    for (const { deployment, line } of newLines(answers, seen))
      print(json ? JSON.stringify({ deployment, ...line }) : renderLogLine(deployment, line));
    for (const error of renderLogErrors(answers)) {
      if (!complaints.has(error)) note(error);
      complaints.add(error);
    }
    if (over) return 0;
    await delay(FOLLOW_INTERVAL_MS);
  }
}

function selection({ deployment, limit }: LogsCommandOptions) {
  return deployment.length === 0 ? { limit } : { deployments: deployment, limit };
}
