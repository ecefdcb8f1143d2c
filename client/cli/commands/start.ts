import type { Command } from 'commander';
import { type Cli, type CommonOptions, addCommonOptions, collect, withEnvironment } from '../cli.js';
import { showGoingOn } from '../show-control.js';

export interface GoOnOptions extends CommonOptions {
  readonly environment?: string;
  readonly release: boolean;
  readonly skip: readonly string[];
  readonly detach: boolean;
  readonly wait: boolean;
}

export function addStartCommand(program: Command, cli: Cli): void {
  addGoOnOptions(addCommonOptions(program.command('start')))
    .description('go on with an apply that was stopped, halted or interrupted, where it was, and follow it')
    .argument('<apply>', 'apply id')
    .action(async (apply: string, options: GoOnOptions) => {
      await cli.run(options, async (context) => {
        const { release, skip } = options;
        const chosen = { ...withEnvironment(options), release, skip };
        return await showGoingOn(context, await context.client.start(apply, chosen), options);
      });
    });
}

/** What `start` and `retry` have in common. */
export function addGoOnOptions(command: Command): Command {
  return command
    .option('--environment <name>', 'refuse when the apply is in another environment')
    .option('--release', 'go on in spite of the setbacks, for the rest of the apply', false)
    .option('--skip <deployment>', 'leave this one out from now on; may be given several times', collect, [])
    .option('--detach', 'return once it is going on', false)
    .option('--wait', 'without a terminal: keep following while a human is waited for, instead of exit code 4', false);
}
