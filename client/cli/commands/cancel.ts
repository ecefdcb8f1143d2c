import type { Command } from 'commander';
import { type Cli, addCommonOptions, collect, withEnvironment } from '../cli.js';
import { showHalt } from '../show-control.js';
import type { HaltCommandOptions } from './stop.js';

export function addCancelCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('cancel'))
    .description(
      'end an apply for good, running or stopped; what it completed stays. Recorded also when no worker runs',
    )
    .argument('<apply>', 'apply id')
    .option('--deployment <name>', 'only this one; may be given several times (default: the whole apply)', collect, [])
    .option('--environment <name>', 'refuse when the apply is in another environment')
    .option('--wait', 'follow until every engine has confirmed', false)
    .action(async (apply: string, options: HaltCommandOptions & { readonly deployment: readonly string[] }) => {
      await cli.run(options, async (context) => {
        const chosen = { ...withEnvironment(options), deployments: options.deployment };
        const answer = await context.client.cancel(apply, chosen);
        return await showHalt(context, answer, options);
      });
    });
}
