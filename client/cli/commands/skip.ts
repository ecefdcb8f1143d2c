import type { Command } from 'commander';
import { type Cli, type CommonOptions, addCommonOptions, collect, withEnvironment } from '../cli.js';
import { showAnswer } from '../show-control.js';

interface SkipCommandOptions extends CommonOptions {
  readonly environment?: string;
  readonly deployment: readonly string[];
  readonly all: boolean;
  readonly reason: string;
  readonly unconfirmed: boolean;
}

export function addSkipCommand(program: Command, cli: Cli): void {
  const command = addCommonOptions(program.command('skip'));
  command
    .description(
      'leave deployments out: pending ones are not started, failed ones are no setback; also once the apply has ended',
    )
    .argument('<apply>', 'apply id')
    .option('--deployment <name>', 'the deployment; may be given several times; this or --all is required', collect, [])
    .option('--all', 'all that can be skipped', false)
    .requiredOption('--reason <text>', 'why, for the record')
    .option(
      '--unconfirmed',
      'give up an operation whose engine does not answer, or never confirms a stop or cancel',
      false,
    )
    .option('--environment <name>', 'refuse when the apply is in another environment')
    .action(async (apply: string, options: SkipCommandOptions) => {
      if (options.all === options.deployment.length > 0)
        command.error('error: name deployments with --deployment <name>, or give --all', { exitCode: 64 });
      await cli.run(options, async (context) => {
        const { deployment: deployments, all, reason, unconfirmed } = options;
        const chosen = { ...withEnvironment(options), deployments, all, reason, unconfirmed };
        return showAnswer(context, await context.client.skip(apply, chosen));
      });
    });
}
