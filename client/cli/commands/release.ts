import type { Command } from 'commander';
import { type Cli, type CommonOptions, addCommonOptions, withEnvironment } from '../cli.js';
import { showAnswer } from '../show-control.js';

export function addReleaseCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('release'))
    .description('open the policy of a running apply that setbacks have closed, for the rest of it')
    .argument('<apply>', 'apply id')
    .option('--environment <name>', 'refuse when the apply is in another environment')
    .action(async (apply: string, options: CommonOptions & { readonly environment?: string }) => {
      await cli.run(options, async (context) => {
        return showAnswer(context, await context.client.release(apply, withEnvironment(options)));
      });
    });
}
