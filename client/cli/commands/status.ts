import type { Command } from 'commander';
import { type Cli, type CommonOptions, addCommonOptions } from '../cli.js';
import { exitCodeOfStatus } from '../exit-code.js';
import { renderStatus } from '../render-status.js';

export function addStatusCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('status'))
    .description('show where an apply stands, also when no worker runs; the exit code follows it')
    .argument('<apply>', 'apply id')
    .action(async (apply: string, options: CommonOptions) => {
      await cli.run(options, async ({ client, terminal, json, print }) => {
        const status = await client.status(apply);
        const { style, program: name } = terminal;
        const { columns } = terminal.size();
        const shown = { style, program: name, now: terminal.now(), columns, rowsMax: null };
        print(json ? JSON.stringify(status) : renderStatus(status, shown));
        return exitCodeOfStatus(status);
      });
    });
}
