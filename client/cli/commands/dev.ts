import type { Command } from 'commander';
import { wholeNumber } from '../arguments.js';
import { type Cli, addOutputOption, collect } from '../cli.js';

interface DevCommandOptions {
  readonly output: 'text' | 'json';
  readonly data?: string;
  readonly deployment: readonly string[];
  readonly port?: number;
  readonly uiPort?: number;
}

export function addDevCommand(program: Command, cli: Cli): void {
  const port = wholeNumber({ min: 1, max: 65_535 });
  addOutputOption(program.command('dev'))
    .description('run the whole product on this machine until Ctrl-C: databases, engines, Temporal server, worker')
    .option('--data <folder>', 'where everything is kept over restarts (default: one folder per user)')
    .option(
      '--deployment <name>',
      'a deployment with a database of its own; repeat for several (default: eu, us)',
      collect,
      [],
    )
    .option(
      '--port <number>',
      'of the Temporal server, 1 to 65535 (default: 7233, or a free one when that is taken)',
      port,
    )
    .option(
      '--ui-port <number>',
      'of the Temporal UI, 1 to 65535 (default: 8233, or a free one when that is taken)',
      port,
    )
    .action(async ({ output, data, deployment: deployments, port: temporalPort, uiPort }: DevCommandOptions) => {
      await cli.runLocally({ output }, async () => {
        // Loaded on demand, because no other command starts servers.
        const { runDev } = await import('../../../dev/main.js');
        return await runDev({
          output,
          ...(data === undefined ? {} : { data }),
          ...(deployments.length === 0 ? {} : { deployments }),
          ...(temporalPort === undefined ? {} : { port: temporalPort }),
          ...(uiPort === undefined ? {} : { uiPort }),
        });
      });
    });
}
