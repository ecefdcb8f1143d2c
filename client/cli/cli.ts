import { type Command, CommanderError, Option } from 'commander';
import { SkeinError } from '../errors.js';
import { SkeinClient } from '../skein-client.js';
import { type ExitCode, exitCodeOfError } from './exit-code.js';
import type { Terminal } from './terminal.js';

/** Options that every command takes. */
export interface CommonOptions {
  readonly output: 'text' | 'json';
  readonly profile?: string;
  readonly by?: string;
}

/** What a command works with. It decides nothing: it asks the library, and shows the answer. */
export interface CommandContext {
  readonly client: SkeinClient;
  readonly terminal: Terminal;
  readonly json: boolean;
  /** Writes to standard output: the answer, and nothing else. */
  readonly print: (text: string) => void;
  /** Address of a workflow in the Temporal UI; null where nobody said where the UI is. */
  readonly link: (workflowId: string) => string | null;
  /** Writes to standard error: what a person may want to know beside the answer. */
  readonly note: (text: string) => void;
}

/** Runs commands, turns what they throw into a message and an exit code, and remembers the code. */
export class Cli {
  readonly terminal: Terminal;
  exitCode = 0;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  /** Runs a command that needs the server, and closes the connection whatever happens. */
  async run(options: CommonOptions, body: (context: CommandContext) => Promise<ExitCode>): Promise<void> {
    await this.runLocally(options, async (base) => {
      const client = await SkeinClient.connect({
        environment: this.terminal.environment,
        ...(options.profile === undefined ? {} : { profile: options.profile }),
        ...(options.by === undefined ? {} : { caller: options.by }),
      });
      try {
        const ui = this.terminal.environment['SKEIN_UI_ADDRESS'] ?? '';
        const link = (workflowId: string) => (ui === '' ? null : uiLink(ui, client.namespace, workflowId));
        return await body({ ...base, client, link });
      } finally {
        await client.close();
      }
    });
  }

  /** Runs a command that reads files first, or needs no server at all. */
  async runLocally(
    options: Pick<CommonOptions, 'output'>,
    body: (context: Omit<CommandContext, 'client' | 'link'>) => Promise<number>,
  ): Promise<void> {
    const { stdout, stderr } = this.terminal;
    const json = options.output === 'json';
    try {
      this.exitCode = await body({
        terminal: this.terminal,
        json,
        print: (text) => stdout.write(`${text}\n`),
        note: (text) => stderr.write(`${text}\n`),
      });
    } catch (error) {
      // Wrong usage that shows only once a file was read; the program says it like any other.
      if (error instanceof CommanderError) throw error;
      this.exitCode = this.#explain(error, json);
    }
  }

  #explain(error: unknown, json: boolean): ExitCode {
    const { stdout, stderr, style, program } = this.terminal;
    const known = error instanceof SkeinError ? error : null;
    const exitCode = known === null ? 2 : exitCodeOfError(known.kind);
    const message = error instanceof Error ? error.message : String(error);
    const problems = known?.problems ?? [];
    if (json) {
      const kind = known?.kind ?? 'defect';
      stdout.write(`${JSON.stringify({ error: { kind, message, problems, exitCode } })}\n`);
    }
    stderr.write(`${style.red('error:')} ${withProgram(message, program)}\n`);
    for (const problem of problems) stderr.write(`  ${problem}\n`);
    if (known === null)
      stderr.write(`${error instanceof Error ? (error.stack ?? '') : ''}\nThis is a defect; please report it.\n`);
    return exitCode;
  }
}

/** The UI needs the slashes of an id encoded, or it finds nothing. */
export function uiLink(ui: string, namespace: string, workflowId: string): string {
  const path = ['namespaces', namespace, 'workflows', workflowId].map(encodeURIComponent).join('/');
  return `${ui.replace(/\/+$/, '')}/${path}`;
}

/** Names the program as this person calls it in the commands that a message tells to type. */
export function withProgram(message: string, program: string): string {
  return program === 'skein' ? message : message.replaceAll('`skein ', `\`${program} `);
}

/** Adds the options that every command takes. */
export function addCommonOptions(command: Command): Command {
  return addOutputOption(command)
    .option('--profile <name>', 'profile of the Temporal configuration (default: TEMPORAL_PROFILE, then "default")')
    .option('--by <name>', 'who acts, for the record (default: <user>@<host>)');
}

export function addOutputOption(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'text for people, json for scripts: one object')
      .choices(['text', 'json'])
      .default('text'),
  );
}

/** The environment a control is meant for, where the person named one. */
export function withEnvironment({ environment }: { readonly environment?: string }): { readonly environment?: string } {
  return environment === undefined ? {} : { environment };
}

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
