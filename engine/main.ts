import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { pino } from 'pino';
import { ConfigurationError, DatabaseUnreachable } from './errors.js';
import { startEngine } from './server.js';

/** Exit codes of the process, in the words of sysexits. */
export const EXIT_USAGE = 64;
export const EXIT_UNAVAILABLE = 69;
export const EXIT_CONFIGURATION = 78;

export interface RunEngineOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly listen: string;
  /** `name=postgres://…`, one per target. */
  readonly target: readonly string[];
  /** Connection string of a server on which scratch databases may be created. Default: each target's own. */
  readonly scratch?: string;
  /** Default `info`. */
  readonly logLevel?: string;
}

/**
 * Runs an engine in the foreground until SIGINT or SIGTERM, and resolves with the exit code. Logs are JSON lines on
 * stderr; the line with `"msg":"listening"` carries the address and says that calls are answered.
 */
export async function runEngine(options: RunEngineOptions): Promise<number> {
  const logger = pino(
    { name: 'skein-engine', level: options.logLevel ?? 'info' },
    pino.destination({ dest: 2, sync: true }),
  );
  try {
    const targets = parseTargets(options.target);
    const engine = await startEngine({
      listen: options.listen,
      targets,
      logger,
      ...(options.scratch === undefined ? {} : { scratch: options.scratch }),
    });
    logger.info({ address: engine.address, targets: Object.keys(targets) }, 'listening');
    const signal = await firstSignal();
    logger.info({ signal }, 'stopping: no more calls are taken, work stays as it is recorded');
    await engine.stop();
    logger.info('stopped');
    return 0;
  } catch (error) {
    if (error instanceof ConfigurationError) return fail(error.message, EXIT_CONFIGURATION);
    if (error instanceof DatabaseUnreachable) return fail(error.message, EXIT_UNAVAILABLE);
    throw error;
  }
}

function fail(message: string, code: number): number {
  process.stderr.write(`skein engine: ${message}\n`);
  return code;
}

function parseTargets(given: readonly string[]): Record<string, string> {
  const targets: Record<string, string> = {};
  for (const text of given) {
    const split = text.indexOf('=');
    // The text may hold a password, so only the part before the first '=' is ever shown.
    if (split < 1)
      throw new ConfigurationError('--target must be of the form name=postgres://user:password@host:port/database');
    const name = text.slice(0, split);
    if (name in targets) throw new ConfigurationError(`--target ${name} is given twice`);
    targets[name] = text.slice(split + 1);
  }
  return targets;
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
}

const collect = (value: string, all: readonly string[] = []): readonly string[] => [...all, value];

/** The command as it stands on its own: `node dist/engine/main.js --listen … --target …`. */
export function engineCommand(run: (options: RunEngineOptions) => Promise<void>): Command {
  return new Command('engine')
    .description('Serve tern.v1 for PostgreSQL databases: plan schema changes and carry them out online')
    .requiredOption('--target <name=dsn>', 'a database to serve, as name=postgres://…; repeat for several', collect)
    .option('--listen <host:port>', 'where to listen; port 0 takes a free one', '127.0.0.1:9101')
    .option(
      '--scratch <dsn>',
      'server on which scratch databases for planning may be created (default: each target itself)',
    )
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'info')
    .action(run);
}

function isEntryPoint(): boolean {
  const [, script] = process.argv;
  return script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url);
}

if (isEntryPoint()) {
  const command = engineCommand(async (options) => {
    process.exitCode = await runEngine(options);
  }).exitOverride();
  try {
    await command.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  }
}
