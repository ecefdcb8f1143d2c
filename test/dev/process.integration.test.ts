import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../dev/folders.js';
import { isAlive } from '../../dev/process-table.js';
import { type ProcessOptions, startProcess, untilEnded, untilReady } from '../../dev/process.js';

const folder = await mkdtemp(join(tmpdir(), 'skein-process-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;

/** A Node program of the given text, with a log of its own. */
function program(text: string): ProcessOptions {
  count += 1;
  return {
    name: `program ${count}`,
    command: process.execPath,
    arguments: ['-e', text],
    logFile: join(folder, `${count}.log`),
  };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 15 s: ${what}`);
    await delay(10);
  }
}

const ready = { deadlineMs: 15_000, waitingFor: 'the line' };

describe('a supervised process', () => {
  it('has the process id of the program itself and writes to its log file', async () => {
    const running = await startProcess(program('console.log("pid " + process.pid); setInterval(() => {}, 1000)'));
    const pid = await untilReady(running, () => /pid (\d+)/.exec(running.log())?.[1] ?? null, ready);
    expect(Number(pid)).toBe(running.pid);
    expect(await readFile(running.logFile, 'utf8')).toContain(`pid ${pid}`);
    await running.stop();
  });

  it('is told to end by its stop signal and may finish its work', async () => {
    const running = await startProcess(
      program(
        'process.on("SIGTERM", () => { console.log("finishing"); process.exit(7) }); console.log("up"); setInterval(() => {}, 1000)',
      ),
    );
    await untilReady(running, () => (running.log().includes('up') ? true : null), ready);
    expect(await running.stop()).toEqual({ code: 7, signal: null });
    expect(running.log()).toContain('finishing');
  });

  it('is killed when it does not end in time, and stopping it twice is safe', async () => {
    const options = program('process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)');
    const running = await startProcess({ ...options, stopTimeoutMs: 200 });
    await untilReady(running, () => (running.log().includes('up') ? true : null), ready);
    const exits = await Promise.all([running.stop(), running.stop()]);
    expect(exits).toEqual([
      { code: null, signal: 'SIGKILL' },
      { code: null, signal: 'SIGKILL' },
    ]);
    expect(isAlive(running.pid)).toBe(false);
  });

  it('says how it ended and what it printed when it ends before it is ready', async () => {
    const running = await startProcess(program('console.error("no such target"); process.exit(3)'));
    await expect(untilReady(running, () => null, ready)).rejects.toThrow(/exit code 3[\s\S]*no such target/);
  });

  it('says what it waited for when the deadline passes', async () => {
    const running = await startProcess(program('setInterval(() => {}, 1000)'));
    const waiting = untilReady(running, () => null, { deadlineMs: 50, waitingFor: 'the port to open' });
    await expect(waiting).rejects.toThrow(/still waiting for the port to open after 0.05 s/);
    await running.stop();
  });

  it('reports a program that does not exist', async () => {
    const running = await startProcess({ ...program(''), command: join(folder, 'no-such-program') });
    expect((await untilEnded(running, 5_000)).code).toBe(127);
    expect(running.log()).toMatch(/no-such-program.*not found/);
  });

  it('does not get the Ctrl-C of our terminal: it has a process group of its own', async () => {
    const running = await startProcess(program('console.log("up"); setInterval(() => {}, 1000)'));
    await untilReady(running, () => (running.log().includes('up') ? true : null), ready);
    const groups = await readFile(`/proc/${running.pid}/stat`, 'utf8').catch(() => null);
    // Only Linux shows it this way; the fifth field, the third after the name in brackets, is the group.
    if (groups !== null) expect(groups.slice(groups.lastIndexOf(')')).split(' ')[3]).toBe(String(running.pid));
    await running.stop();
  });

  it.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
    'ends, even one that ignores signals, when we end by %s',
    async (signal) => {
      const module = join(repositoryRoot(), 'dist', 'dev', 'process.js');
      const child = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)';
      const text = `
      const { startProcess } = await import(${JSON.stringify(module)});
      const running = await startProcess({ name: 'child', command: process.execPath, arguments: ['-e', ${JSON.stringify(child)}], logFile: ${JSON.stringify(join(folder, 'tied.log'))} });
      console.log(running.pid);
      setInterval(() => {}, 1000);
    `;
      const parent = spawn(process.execPath, ['--input-type=module', '-e', text], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let printed = '';
      parent.stdout.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
      });
      await until(() => printed.includes('\n'), 'the child to start');
      const pid = Number(printed.trim());
      expect(isAlive(pid)).toBe(true);
      parent.kill(signal);
      await until(() => !isAlive(pid), 'the child to end after its parent');
    },
  );
});
