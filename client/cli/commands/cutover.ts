import type { Command } from 'commander';
import { type Cli, type CommonOptions, addCommonOptions, collect, withEnvironment } from '../cli.js';
import { showAnswer } from '../show-control.js';

interface CutoverCommandOptions extends CommonOptions {
  readonly environment?: string;
  readonly deployment: readonly string[];
}

export function addCutoverCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('cutover'))
    .description('permit parked deployments to cut over; under ordered and barrier one at a time, in rollout order')
    .argument('<apply>', 'apply id')
    .option(
      '--deployment <name>',
      'only this one; may be given several times (default: all that are parked, of an order those whose turn it is)',
      collect,
      [],
    )
    .option('--environment <name>', 'refuse when the apply is in another environment')
    .action(async (apply: string, options: CutoverCommandOptions) => {
      await cli.run(options, async (context) => {
        const chosen = { ...withEnvironment(options), deployments: options.deployment };
        return showAnswer(context, await context.client.cutover(apply, chosen));
      });
    });
}
