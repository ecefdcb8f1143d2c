import type { Command } from 'commander';
import { type Cli, type CommonOptions, addCommonOptions } from '../cli.js';
import { followApply } from '../follow.js';

export function addWatchCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('watch'))
    .description('follow an apply to its end; with -o json one object per change. Ctrl-C detaches and never stops it')
    .argument('<apply>', 'apply id')
    .option('--no-wait', 'without a terminal: exit with code 4 when a human is waited for')
    .action(async (apply: string, options: CommonOptions & { readonly wait: boolean }) => {
      await cli.run(
        options,
        async (context) => await followApply(context, apply, { wait: options.wait, json: 'each' }),
      );
    });
}
