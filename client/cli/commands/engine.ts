import type { Command } from 'commander';
import { type Cli, addOutputOption, collect } from '../cli.js';

interface EngineOptions {
  readonly output: 'text' | 'json';
  readonly listen: string;
  readonly target: readonly string[];
  readonly scratch?: string;
  readonly logLevel: string;
}

export function addEngineCommand(program: Command, cli: Cli): void {
  const command = addOutputOption(program.command('engine'));
  command
    .description('run the bundled engine: it carries schema changes out on PostgreSQL, online. Logs are JSON lines')
    .option(
      '--target <name=dsn>',
      'a database to serve, as name=postgres://…; repeat for several; required',
      collect,
      [],
    )
    .option('--listen <host:port>', 'where to listen; port 0 takes a free one', '127.0.0.1:9101')
    .option('--scratch <dsn>', 'server on which scratch databases for planning may be created (default: each target)')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'info')
    .action(async ({ output, listen, target, scratch, logLevel }: EngineOptions) => {
      if (target.length === 0)
        command.error("error: required option '--target <name=dsn>' not specified", { exitCode: 64 });
      await cli.runLocally({ output }, async () => {
        // Loaded on demand, because the planner is large and no other command needs it.
        const { runEngine } = await import('../../../engine/main.js');
        return await runEngine({ listen, target, logLevel, ...(scratch === undefined ? {} : { scratch }) });
      });
    });
}
