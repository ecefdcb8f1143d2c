import { Command, CommanderError, Help, type Option } from 'commander';
import { Cli } from './cli.js';
import { addApplyCommand } from './commands/apply.js';
import { addCancelCommand } from './commands/cancel.js';
import { addCutoverCommand } from './commands/cutover.js';
import { addDevCommand } from './commands/dev.js';
import { addEngineCommand } from './commands/engine.js';
import { addApproveCommand, addRejectCommand } from './commands/gate.js';
import { addListCommand } from './commands/list.js';
import { addLogsCommand } from './commands/logs.js';
import { addPlanCommand } from './commands/plan.js';
import { addReleaseCommand } from './commands/release.js';
import { addRetryCommand } from './commands/retry.js';
import { addRevertCommand, addSkipRevertCommand } from './commands/revert.js';
import { addSimulateCommand } from './commands/simulate.js';
import { addSkipCommand } from './commands/skip.js';
import { addStartCommand } from './commands/start.js';
import { addStatusCommand } from './commands/status.js';
import { addStopCommand } from './commands/stop.js';
import { addWatchCommand } from './commands/watch.js';
import { addWhyCommand } from './commands/why.js';
import { addWorkerCommand } from './commands/worker.js';
import { describeExitCodes } from './exit-code.js';
import type { Terminal } from './terminal.js';

/** Runs one command line and resolves to its exit code. Never rejects, never ends the process. */
export async function runProgram(commandLine: readonly string[], terminal: Terminal): Promise<number> {
  const cli = new Cli(terminal);
  try {
    await buildProgram(cli).parseAsync([...commandLine], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end a program too; everything else that commander refuses is usage.
    return error.exitCode === 0 ? 0 : 64;
  }
  return cli.exitCode;
}

function buildProgram(cli: Cli): Command {
  const { stdout, stderr } = cli.terminal;
  const program = new Command('skein')
    .description('Rolls one reviewed schema change out over many databases, as a durable workflow on Temporal.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => cli.terminal.size().columns,
      getErrHelpWidth: () => cli.terminal.size().columns,
    })
    .showHelpAfterError('(see --help)')
    .configureHelp({ optionDescription: describeOption })
    .addHelpText(
      'after',
      `\nThe connection to Temporal is that of the \`temporal\` CLI: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PROFILE, …\nWith SKEIN_UI_ADDRESS (such as http://127.0.0.1:8233) links into the Temporal UI are printed.\n${describeExitCodes()}`,
    );
  for (const add of COMMANDS) add(program, cli);
  for (const command of program.commands) command.addHelpText('after', describeExitCodes());
  return program;
}

/** Defaults that say nothing are left out: that a switch is off, that nothing was named. */
function describeOption(option: Option): string {
  return new Help().optionDescription(option).replace(/ \(default: (\[\]|false)\)$/, '');
}

/** In the order in which one needs them; the order of the help. */
const COMMANDS = [
  addPlanCommand,
  addSimulateCommand,
  addApplyCommand,
  addStatusCommand,
  addWatchCommand,
  addWhyCommand,
  addListCommand,
  addLogsCommand,
  addStopCommand,
  addStartCommand,
  addRetryCommand,
  addCancelCommand,
  addCutoverCommand,
  addReleaseCommand,
  addApproveCommand,
  addRejectCommand,
  addSkipCommand,
  addRevertCommand,
  addSkipRevertCommand,
  addWorkerCommand,
  addEngineCommand,
  addDevCommand,
] as const;
