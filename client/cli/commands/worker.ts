import type { Command } from 'commander';
import { type Cli, addOutputOption } from '../cli.js';

interface WorkerOptions {
  readonly output: 'text' | 'json';
  readonly config?: string;
  readonly profile?: string;
}

export function addWorkerCommand(program: Command, cli: Cli): void {
  addOutputOption(program.command('worker'))
    .description('run a worker: it carries applies out and is the only part that talks to engines. Logs are JSON lines')
    .option('--config <skein.yaml>', 'its configuration (default: SKEIN_CONFIG, then ./skein.yaml)')
    .option('--profile <name>', 'profile of the Temporal configuration (default: TEMPORAL_PROFILE, then "default")')
    .action(async ({ config, profile, output }: WorkerOptions) => {
      await cli.runLocally({ output }, async () => {
        // Loaded on demand: a worker's native parts take most of a second, and no other command needs them.
        const { runWorker } = await import('../../../worker/main.js');
        return await runWorker({
          ...(config === undefined ? {} : { config }),
          ...(profile === undefined ? {} : { profile }),
        });
      });
    });
}
