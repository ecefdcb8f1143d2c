import { Readable, Writable } from 'node:stream';
import { Chalk } from 'chalk';
import { runProgram } from '../../client/cli/program.js';
import { type Blocks, code, table } from './markdown.js';

/** For docs/cli.md: what the program itself says in its help. */
export async function commandBlocks(): Promise<Blocks> {
  const overview = await help([]);
  const commands = listCommands(overview);
  const details = await Promise.all(commands.map(async ({ name }) => describeCommand(name, await help([name]))));
  return {
    commands: table(
      ['Command', 'Does'],
      commands.map(({ name, description }) => [`[${code(name)}](#skein-${name})`, description]),
    ),
    details: details.join('\n\n'),
  };
}

function describeCommand(name: string, text: string): string {
  const withoutExitCodes = text.slice(0, text.indexOf('\nExit codes:')).trimEnd();
  return `### skein ${name}\n\n\`\`\`\n${withoutExitCodes}\n\`\`\``;
}

/** The lines below "Commands:", each a name, its arguments, and what it does; a long description goes on below itself. */
function listCommands(overview: string): readonly { readonly name: string; readonly description: string }[] {
  const [, rest = ''] = overview.split('\nCommands:\n');
  const [block = ''] = rest.split('\n\n');
  return block
    .split(/\n(?= {2}\S)/)
    .map((entry) => /^ {2}(\w[\w-]*)[^\n]*? {2,}([\s\S]*)/.exec(entry))
    .flatMap((match) => (match === null ? [] : [{ name: match[1] ?? '', description: oneLine(match[2] ?? '') }]))
    .filter(({ name }) => name !== 'help');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

async function help(command: readonly string[]): Promise<string> {
  const chunks: string[] = [];
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done();
    },
  });
  await runProgram([...command, '--help'], {
    stdin: Readable.from([]),
    stdout,
    stderr: stdout,
    interactive: false,
    size: () => ({ columns: 100, rows: 40 }),
    style: new Chalk({ level: 0 }),
    program: 'skein',
    environment: {},
    now: () => new Date(0),
  });
  return chunks.join('');
}
