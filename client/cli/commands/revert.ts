import type { Command } from 'commander';
import { type Cli, type CommonOptions, addCommonOptions, collect, withEnvironment } from '../cli.js';
import { showAnswer } from '../show-control.js';

interface WindowCommandOptions extends CommonOptions {
  readonly environment?: string;
  readonly deployment: readonly string[];
  readonly all: boolean;
}

export function addRevertCommand(program: Command, cli: Cli): void {
  const command = addWindowOptions(program.command('revert'));
  command
    .description("undo live changes within their engines' revert windows")
    .action(async (apply: string, options: WindowCommandOptions) => {
      requireChoice(command, options);
      await cli.run(options, async (context) =>
        showAnswer(context, await context.client.revert(apply, chosen(options))),
      );
    });
}

export function addSkipRevertCommand(program: Command, cli: Cli): void {
  const command = addWindowOptions(program.command('skip-revert'));
  command
    .description('give revert windows up: the changes stay, and the rollout goes on at once')
    .action(async (apply: string, options: WindowCommandOptions) => {
      requireChoice(command, options);
      await cli.run(options, async (context) =>
        showAnswer(context, await context.client.skipRevert(apply, chosen(options))),
      );
    });
}

function addWindowOptions(command: Command): Command {
  return addCommonOptions(command)
    .argument('<apply>', 'apply id')
    .option('--deployment <name>', 'the deployment; may be given several times; this or --all is required', collect, [])
    .option('--all', 'all that are in their revert window', false)
    .option('--environment <name>', 'refuse when the apply is in another environment');
}

function requireChoice(command: Command, { deployment, all }: WindowCommandOptions): void {
  if (all === deployment.length > 0)
    command.error('error: name deployments with --deployment <name>, or give --all', { exitCode: 64 });
}

function chosen(options: WindowCommandOptions) {
  return { ...withEnvironment(options), deployments: options.deployment, all: options.all };
}
