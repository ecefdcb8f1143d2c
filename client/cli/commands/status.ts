import type { Command } from 'commander';
import { type Cli, type CommandContext, type CommonOptions, addCommonOptions } from '../cli.js';
import { type ExitCode, exitCodeOfStatus } from '../exit-code.js';
import { renderList } from '../render-answers.js';
import { renderStatus } from '../render-status.js';

/** Running applies shown when none is named. */
const RUNNING_MAX = 100;

export function addStatusCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('status'))
    .description('show where an apply stands, also when no worker runs; the exit code follows it')
    .argument('[apply]', 'apply id (default: all that are running, as in `list --running`)')
    .action(async (apply: string | undefined, options: CommonOptions) => {
      await cli.run(options, async (context) =>
        apply === undefined ? await showRunning(context) : await showStatus(context, apply),
      );
    });
}

async function showRunning({ client, terminal, json, print }: CommandContext): Promise<ExitCode> {
  const applies = await client.list({ running: true, limit: RUNNING_MAX });
  print(json ? JSON.stringify({ applies }) : renderList(applies, terminal));
  return 0;
}

async function showStatus(context: CommandContext, apply: string): Promise<ExitCode> {
  const { client, terminal, json, print } = context;
  const status = await client.status(apply);
  if (json) print(JSON.stringify(status));
  else {
    const { style, program } = terminal;
    const { columns } = terminal.size();
    print(renderStatus(status, { style, program, now: terminal.now(), columns, rowsMax: null }));
    const link = context.link(apply);
    if (link !== null) print(`\n${link}`);
  }
  return exitCodeOfStatus(status);
}
