import type { Command } from 'commander';
import { type Cli, type CommonOptions, addCommonOptions, withEnvironment } from '../cli.js';
import { showAnswer } from '../show-control.js';

interface GateCommandOptions extends CommonOptions {
  readonly environment?: string;
  readonly wave?: string;
}

const WHICH = 'the wave (default: the one whose gate is waited for)';

export function addApproveCommand(program: Command, cli: Cli): void {
  addGateOptions(program.command('approve'))
    .description('let a gated wave start once its turn has come')
    .action(async (apply: string, options: GateCommandOptions) => {
      await cli.run(options, async (context) =>
        showAnswer(context, await context.client.approve(apply, chosen(options))),
      );
    });
}

export function addRejectCommand(program: Command, cli: Cli): void {
  addGateOptions(program.command('reject'))
    .description('end a gated wave that has not started, and all later ones; they end stopped and can be started again')
    .action(async (apply: string, options: GateCommandOptions) => {
      await cli.run(options, async (context) =>
        showAnswer(context, await context.client.reject(apply, chosen(options))),
      );
    });
}

function addGateOptions(command: Command): Command {
  return addCommonOptions(command)
    .argument('<apply>', 'apply id')
    .option('--wave <name>', WHICH)
    .option('--environment <name>', 'refuse when the apply is in another environment');
}

function chosen(options: GateCommandOptions) {
  return { ...withEnvironment(options), ...(options.wave === undefined ? {} : { wave: options.wave }) };
}
