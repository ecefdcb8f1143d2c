import type { Command } from 'commander';
import { type Cli, type CommonOptions, addCommonOptions } from '../cli.js';
import { wholeNumber } from '../arguments.js';
import { renderList } from '../render-answers.js';

interface ListCommandOptions extends CommonOptions {
  readonly limit: number;
  readonly running: boolean;
}

export function addListCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('list'))
    .description('list applies, the newest first')
    .option('--limit <count>', 'most applies, 1 to 1000', wholeNumber({ min: 1, max: 1_000 }), 20)
    .option('--running', 'only those that are still going on', false)
    .action(async (options: ListCommandOptions) => {
      await cli.run(options, async ({ client, terminal, json, print }) => {
        const applies = await client.list({ limit: options.limit, running: options.running });
        print(json ? JSON.stringify({ applies }) : renderList(applies, terminal));
        return 0;
      });
    });
}
