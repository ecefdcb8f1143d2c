import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { EXIT_CODES, exitCodeOfStatus } from '../../../client/cli/exit-code.js';
import { runProgram } from '../../../client/cli/program.js';
import { applyStatus } from '../builders.js';
import { recordedTerminal } from './terminal.js';

const COMMANDS = [
  'plan',
  'apply',
  'status',
  'watch',
  'why',
  'list',
  'logs',
  'stop',
  'start',
  'retry',
  'cancel',
  'release',
  'skip',
  'worker',
  'engine',
  'dev',
];

const WAIT = { since: null, until: null, wave: null, commands: [] };

async function run(commandLine: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const terminal = recordedTerminal({ TEMPORAL_CONFIG_FILE: '/nowhere/temporal.toml', ...environment });
  const exitCode = await runProgram(commandLine, terminal);
  return { exitCode, out: terminal.out(), errors: terminal.errors() };
}

/** An address at which nobody listens: it was free a moment ago. */
async function deadAddress(): Promise<string> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

describe('help', () => {
  test('lists every command and every exit code', async () => {
    const { exitCode, out } = await run(['--help']);
    expect(exitCode).toBe(0);
    for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
    for (const code of Object.keys(EXIT_CODES)) expect(out).toMatch(new RegExp(`^ +${code}  `, 'm'));
  });

  test.each(COMMANDS)('every option of %s is explained', async (command) => {
    const { exitCode, out } = await run([command, '--help']);
    expect(exitCode).toBe(0);
    expect(out).toContain('-o, --output <format>');
    const options = out.split('\n').filter((line) => /^ {2}-/.test(line));
    expect(options.length).toBeGreaterThan(1);
    for (const option of options) expect(option).toMatch(/^ {2}-\S.*?( {2,}\S|$)/);
  });
});

describe('usage errors exit with 64 and touch nothing', () => {
  test.each([
    [['frobnicate']],
    [['watch']],
    [['status', 'a', 'b']],
    [['status', 'a', '-o', 'xml']],
    [['plan']],
    [['apply']],
    [['apply', 'plan.json', '-f', 'rollout.yaml', '-y']],
    [['list', '--limit', '0']],
    [['list', '--limit', '1.5']],
    [['logs', 'a', '--limit', '1001']],
    [['skip', 'a', '--deployment', 'eu']],
    [['skip', 'a', '--reason', 'because']],
    [['engine']],
  ])('%j', async (commandLine) => {
    const { exitCode, out, errors } = await run(commandLine);
    expect(exitCode).toBe(64);
    expect(out).toBe('');
    expect(errors).toContain('--help');
  });

  test('an apply without a terminal and without -y says what to add', async () => {
    const { exitCode, errors } = await run(['apply', '-f', 'rollout.yaml']);
    expect(exitCode).toBe(64);
    expect(errors).toContain('add -y');
  });
});

describe('what is not there', () => {
  test('no server exits with 69 and says which address was tried and what to start', async () => {
    const address = await deadAddress();
    const { exitCode, errors } = await run(['status', 'orders-1'], { TEMPORAL_ADDRESS: address });
    expect(exitCode).toBe(69);
    expect(errors).toContain(address);
    expect(errors).toContain('skein dev');
  });

  test('the same as an object for scripts', async () => {
    const { exitCode, out } = await run(['list', '-o', 'json'], { TEMPORAL_ADDRESS: await deadAddress() });
    expect(exitCode).toBe(69);
    expect(JSON.parse(out)).toMatchObject({ error: { kind: 'unavailable', exitCode: 69 } });
  });

  test('a profile that does not exist is configuration, 78', async () => {
    const { exitCode, errors } = await run(['list', '--profile', 'nope']);
    expect(exitCode).toBe(78);
    expect(errors).toContain('nope');
  });
});

describe('the exit code follows the status', () => {
  test.each([
    ['completed', 0],
    ['running', 0],
    ['stopping', 0],
    ['failed', 1],
    ['stopped', 3],
    ['cancelled', 3],
    ['reverted', 3],
  ] as const)('%s exits with %i', (state, exitCode) => {
    expect(exitCodeOfStatus(applyStatus({ state }))).toBe(exitCode);
  });

  test('waiting for a human is 4 whatever the state, waiting for an engine is not', () => {
    expect(exitCodeOfStatus(applyStatus({ state: 'running_degraded', waitingFor: { for: 'release', ...WAIT } }))).toBe(
      4,
    );
    expect(exitCodeOfStatus(applyStatus({ state: 'stopping', waitingFor: { for: 'engine', ...WAIT } }))).toBe(0);
  });

  test('an interrupted apply is 1 whatever it derives to', () => {
    expect(exitCodeOfStatus(applyStatus({ state: 'completed', interrupted: 'terminated' }))).toBe(1);
  });
});
