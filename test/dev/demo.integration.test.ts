import { describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { runCommand } from './command.js';

/** The demo as a person runs it, with fewer rows. Its claims are its own tests: it exits 1 when one is broken. */
const FEW = ['--rows', '20000'] as const;
const DEADLINE_MS = 120_000;

describe('the demo', () => {
  it('rolls one schema change over three databases, shows it from their catalogs, and is kept until Ctrl-C', {
    timeout: DEADLINE_MS,
  }, async () => {
    const demo = runCommand('dev/demo/main.js', '--keep', ...FEW);
    await demo.printed(/Still running, until Ctrl-C/);
    const output = demo.output();
    expect(output).toContain('Everything was as promised');
    expect(output.match(/✓/g), output).toHaveLength(10);
    for (const command of ['skein plan -f rollout.yaml', 'skein apply -f rollout.yaml']) {
      expect(output).toContain(`$ ${command}`);
    }
    const [, ui = ''] = /Temporal UI: (\S+\/workflows\/orders-\w+)/.exec(output) ?? [];
    expect((await fetch(ui)).status).toBe(200);
    // PostgreSQL, Temporal, three engines and a worker, beside the shells that watch over them.
    if (process.platform === 'linux') expect(demo.leftovers().length).toBeGreaterThanOrEqual(6);
    demo.child.kill('SIGINT');
    expect(await demo.ended(), demo.output()).toBe(0);
    await until(() => demo.leftovers().length === 0);
  });

  it('stops a rollout, proves it from the engines, and finishes it with one command', {
    timeout: DEADLINE_MS,
  }, async () => {
    const demo = runCommand('dev/demo/main.js', 'stop', ...FEW);
    expect(await demo.ended(), demo.output()).toBe(0);
    const output = demo.output();
    expect(output).toContain('✓ nothing was dispatched after the stop');
    expect(output).toContain('✓ one command has finished all that was left');
    expect(output).not.toContain('✗');
    await until(() => demo.leftovers().length === 0);
  });

  it('rolls over two waves with a bake, a gate and a barrier, and proves them from catalogs and engines', {
    timeout: DEADLINE_MS,
  }, async () => {
    const demo = runCommand('dev/demo/main.js', 'waves', ...FEW);
    expect(await demo.ended(), demo.output()).toBe(0);
    const output = demo.output();
    expect(output).toMatch(/waits for bake before wave rest until \d\d:\d\d/);
    expect(output).toMatch(/\$ skein approve orders-\w+ --wave rest/);
    expect(output).toContain('next     cuts over by itself after ap (running)');
    expect(output).toContain('✓ rest: no cutover before the last one was parked');
    expect(output).toContain('✓ no two cut over at once');
    expect(output).not.toContain('✗');
    await until(() => demo.leftovers().length === 0);
  });

  it.each([
    ['Ctrl-C while it starts', 'SIGINT', /starting PostgreSQL/],
    ['kill -9 in the middle', 'SIGKILL', /starting 3 engines/],
  ] as const)('leaves no process behind after %s', { timeout: DEADLINE_MS }, async (_what, signal, moment) => {
    const demo = runCommand('dev/demo/main.js', ...FEW);
    await demo.printed(moment);
    demo.child.kill(signal);
    expect(await demo.ended(), demo.output()).toBe(signal === 'SIGINT' ? 130 : signal);
    await until(() => demo.leftovers().length === 0);
  });

  it('refuses what it does not know with exit code 64', async () => {
    const mistakes = [
      [['strop'], /unknown: strop/],
      [['--rows', '5'], /--rows must be a whole number of at least 1000, got 5/],
      [['--kep'], /--kep/],
    ] as const;
    for (const [args, message] of mistakes) {
      const demo = runCommand('dev/demo/main.js', ...args);
      expect(await demo.ended()).toBe(64);
      expect(demo.output()).toMatch(message);
    }
  });
});
