import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { EXIT_CODES, exitCodeOfStatus } from '../../../client/cli/exit-code.js';
import { runProgram } from '../../../client/cli/program.js';
import { applyStatus } from '../builders.js';
import { recordedTerminal } from './terminal.js';

const COMMANDS = [
  'plan',
  'simulate',
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
  'cutover',
  'release',
  'approve',
  'reject',
  'skip',
  'revert',
  'skip-revert',
  'worker',
  'engine',
  'dev',
];

/** A spec that is really there, for what shows only once it was read. */
const EXAMPLE = fileURLToPath(new URL('../../../examples/rollout.yaml', import.meta.url));

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
    expect(out).not.toMatch(/default: (\[\]|false)/);
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
    [['skip', 'a', '--reason', 'because', '--all', '--deployment', 'eu']],
    [['revert', 'a']],
    [['revert', 'a', '--all', '--deployment', 'eu']],
    [['skip-revert', 'a']],
    [['skip-revert', 'a', '--all', '--deployment', 'eu']],
    [['cutover']],
    [['cutover', 'a', '--wave', 'canary']],
    [['cutover', 'a', '--deployment']],
    [['approve']],
    [['approve', 'a', '--deployment', 'eu']],
    [['approve', 'a', '--wave']],
    [['reject', 'a', 'b']],
    [['cancel', 'a', '--all']],
    [['release', 'a', '--wave', 'canary']],
    [['plan', '-f', 'rollout.yaml', '--allow-everything']],
    [['simulate']],
    [['simulate', 'plan.json', '-f', 'rollout.yaml']],
    [['simulate', '-f', 'rollout.yaml', '--stop-at', 'soon']],
    [['simulate', '-f', 'rollout.yaml', '--cancel-at', '10']],
    [['simulate', '-f', 'rollout.yaml', '--release-at', '-1s']],
    [['simulate', '-f', 'rollout.yaml', '--approve-after', 'always']],
    [['simulate', '-f', 'rollout.yaml', '--cutover-after', '00:99:00']],
    [['simulate', '-f', 'rollout.yaml', '--cutover-duration', 'never']],
    [['simulate', '-f', 'rollout.yaml', '--rows-per-second', '0']],
    [['simulate', '-f', EXAMPLE, '--fail', 'mars']],
    [['simulate', '-f', EXAMPLE, '--fail', 'eu@yesterday']],
    [['simulate', '-f', EXAMPLE, '--fail', 'eu@1h']],
    [['simulate', '-f', EXAMPLE, '--duration', 'mars=1m']],
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

describe('every option of a control is understood', () => {
  test.each([
    [['cutover', 'a']],
    [['cutover', 'a', '--deployment', 'eu', '--deployment', 'us', '--environment', 'production']],
    [['approve', 'a', '--wave', 'canary', '--environment', 'production', '--by', 'ann']],
    [['reject', 'a', '--wave', 'canary']],
    [['release', 'a', '--environment', 'production']],
    [['revert', 'a', '--deployment', 'eu', '--deployment', 'us']],
    [['revert', 'a', '--all', '--environment', 'production']],
    [['skip-revert', 'a', '--all']],
    [['skip', 'a', '--all', '--reason', 'because']],
    [['cancel', 'a', '--deployment', 'eu', '--wait']],
  ])('%j', async (commandLine) => {
    const { exitCode, errors } = await run(commandLine, { TEMPORAL_ADDRESS: await deadAddress() });
    expect(errors).not.toContain('--help');
    expect(exitCode).toBe(69);
  });
});

describe('simulate', () => {
  test('needs no server, shows timeline, verdict and worst case, and exits as the apply would', async () => {
    const completed = await run(['simulate', '-f', EXAMPLE]);
    expect(completed).toMatchObject({ exitCode: 0, errors: '' });
    expect(completed.out).toContain('Verdict: completed after 00:20:00 (2 completed)');
    const failed = await run(['simulate', '-f', EXAMPLE, '--fail', 'eu@2m', '--duration', 'us=1h']);
    expect(failed.exitCode).toBe(1);
    expect(failed.out).toContain('Verdict: failed after 00:02:00 (1 failed, 1 stopped (policy))');
    expect((await run(['simulate', '-f', EXAMPLE, '--stop-at', '00:01:00'])).exitCode).toBe(3);
    expect((await run(['simulate', '-f', EXAMPLE, '--cancel-at', '1m'])).exitCode).toBe(3);
  });

  test('is one object for scripts, with what was assumed', async () => {
    const { exitCode, out } = await run(['simulate', '-f', EXAMPLE, '--duration', '5m', '-o', 'json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      state: 'completed',
      waitingFor: null,
      elapsedMs: 600_000,
      worstCase: { started: 1, changed: 1 },
      policy: { onFailure: 'halt' },
      durations: [
        { deployment: 'eu', copyMs: 300_000, from: 'flag' },
        { deployment: 'us', copyMs: 300_000, from: 'flag' },
      ],
    });
  });

  test('of a spec that is none exits with 65 and names the problems', async () => {
    const { exitCode, errors } = await run(['simulate', '-f', '/nowhere/rollout.yaml']);
    expect(exitCode).toBe(65);
    expect(errors).toContain('/nowhere/rollout.yaml');
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
