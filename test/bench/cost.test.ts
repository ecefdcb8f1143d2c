import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Cost, measure, median, usageRows } from '../../bench/cost.js';
import { parseStat, processorMs } from '../../bench/processor-time.js';

const cost = (server: number, worker: number, bench: number): Cost => ({
  elapsedMs: 1,
  usage: { server, worker, bench },
});

test('where the time goes is a row per process, each the median of its rounds by deployment', () => {
  const floors = [cost(400, 300, 10), cost(420, 310, 20), cost(440, 320, 30)];
  const rollouts = [cost(900, 600, 200), cost(840, 930, 210), cost(800, 620, 220)];
  expect(usageRows(10, floors, rollouts)).toEqual([
    shown('server', { value: 84, floor: 42, ratio: 2 }),
    shown('worker', { value: 62, floor: 31, ratio: 2 }),
    shown('engines and bench', { value: 21, floor: 2, ratio: 10.5 }),
  ]);
});

function shown(who: string, numbers: { readonly value: number; readonly floor: number; readonly ratio: number }) {
  return {
    measure: `CPU per deployment: ${who}`,
    deployments: 10,
    unit: 'ms of CPU',
    goal: null,
    met: null,
    ...numbers,
  };
}

test('a floor of next to nothing has no ratio', () => {
  const [, , bench] = usageRows(10, [cost(10, 10, 9)], [cost(10, 10, 90)]);
  expect(bench).toMatchObject({ value: 9, floor: 0.9, ratio: null });
});

test('where nobody tells what a process uses, there are no such rows', () => {
  const untold: Cost = { elapsedMs: 1, usage: null };
  expect(usageRows(10, [untold], [untold])).toEqual([]);
});

test('a measurement begins when the server is quiet, and not before', async () => {
  const order: string[] = [];
  const note = (what: string, elapsedMs: number) => async () => {
    await Promise.resolve();
    order.push(what);
    return elapsedMs;
  };
  const rig = {
    begin: async () => {
      await note('begun', 0)();
    },
  };
  const itself = { server: process.pid, worker: process.pid, bench: process.pid };
  expect((await measure(rig, itself, note('ran', 7))).elapsedMs).toBe(7);
  expect(order).toEqual(['begun', 'ran']);
});

test('a process that does not exist costs nothing that can be told', async () => {
  const nobody = { server: process.pid, worker: 2 ** 30, bench: process.pid };
  const rig = { begin: () => Promise.resolve() };
  expect((await measure(rig, nobody, () => Promise.resolve(1))).usage).toBeNull();
});

test('the CPU time of a process is read past its name, whatever that holds', () => {
  const before = '4711 (a) R 1 (x) S 1 4711 4711 0 -1 4194560 100 0 0 0';
  expect(parseStat(`${before} 125 25 0 0 20 0 11 0 100`)).toBe(1_500);
  expect(parseStat('no such text')).toBeNull();
});

test.runIf(existsSync('/proc/self/stat'))('the CPU time of this process is what Node itself says', () => {
  const { user, system } = process.cpuUsage();
  const told = processorMs(process.pid);
  expect(Math.abs((told ?? 0) - (user + system) / 1_000)).toBeLessThan(200);
});

test('a median is one of its values', () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2]);
});
