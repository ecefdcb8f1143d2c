import type { Command } from 'commander';
import { type Cli, type CommonOptions, addCommonOptions, withEnvironment } from '../cli.js';
import { showHalt } from '../show-control.js';

export interface HaltCommandOptions extends CommonOptions {
  readonly environment?: string;
  readonly wait: boolean;
}

export function addStopCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('stop'))
    .description('start nothing more and stop what runs; resumable with start. Recorded also when no worker runs')
    .argument('<apply>', 'apply id')
    .option('--environment <name>', 'refuse when the apply is in another environment')
    .option('--wait', 'follow until every engine has confirmed', false)
    .action(async (apply: string, options: HaltCommandOptions) => {
      await cli.run(options, async (context) => {
        const report = await context.client.stop(apply, withEnvironment(options));
        return await showHalt(context, report, options);
      });
    });
}
