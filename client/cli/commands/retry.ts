import type { Command } from 'commander';
import { type Cli, addCommonOptions, collect, withEnvironment } from '../cli.js';
import { showGoingOn } from '../show-control.js';
import { type GoOnOptions, addGoOnOptions } from './start.js';

interface RetryCommandOptions extends GoOnOptions {
  readonly deployment: readonly string[];
}

export function addRetryCommand(program: Command, cli: Cli): void {
  addGoOnOptions(addCommonOptions(program.command('retry')))
    .description('attempt failed deployments anew, and go on with everything else that is left, and follow it')
    .argument('<apply>', 'apply id')
    .option(
      '--deployment <name>',
      'attempt this one; may be given several times (default: all that failed)',
      collect,
      [],
    )
    .action(async (apply: string, options: RetryCommandOptions) => {
      await cli.run(options, async (context) => {
        const { release, skip, deployment: deployments } = options;
        const answer = await context.client.retry(apply, { ...withEnvironment(options), deployments, release, skip });
        return await showGoingOn(context, answer, options);
      });
    });
}
