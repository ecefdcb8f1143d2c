import { expect, test } from 'vitest';
import { describeMachine, type Report, type Row, toMarkdown, toTable } from '../../bench/report.js';

const TIME: Row = {
  measure: 'time per deployment',
  deployments: 500,
  value: 21.04,
  unit: 'ms',
  floor: 13.8,
  ratio: 1.525,
  goal: 1.5,
  met: false,
};
const EVENTS: Row = {
  ...TIME,
  measure: 'events',
  unit: 'events',
  value: 5,
  floor: null,
  ratio: 0.83,
  goal: 6,
  met: true,
};
const SHOWN: Row = { ...TIME, measure: 'stop', value: 1246, floor: null, ratio: null, goal: null, met: null };
const REPORT: Report = {
  machine: { cores: 2, processor: 'Some CPU', memoryGiB: 24, platform: 'linux x64', node: 'v20.20.2', loadBefore: 0.3 },
  rows: [TIME, EVENTS, SHOWN],
  beginnings: ['quiet', 'quiet'],
};

test('every line shows its ratio and goal, and whether the goal was met', () => {
  const lines = toMarkdown(REPORT)
    .split('\n')
    .filter((line) => line.startsWith('| '));
  expect(lines).toEqual([
    '| measure | deployments | value | floor | ratio | goal |  |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| time per deployment | 500 | 21.0 ms | 13.8 ms | 1.52 | ratio 1.5 | MISSED |',
    '| events | 500 | 5.0 events |  | 0.83 | 6 events | met |',
    '| stop | 500 | 1246 ms |  |  |  |  |',
  ]);
});

test('the table holds the same lines and says on what machine they were taken', () => {
  const table = toTable(REPORT);
  expect(table).toContain('MISSED');
  expect(table).toContain('2 cores (Some CPU), 24 GiB, linux x64, Node v20.20.2; load before the run 0.3.');
  expect(table).not.toContain('Other work');
  const busy = toTable({ ...REPORT, machine: { ...REPORT.machine, loadBefore: 12 } });
  expect(busy).toContain('load before the run 12. Other work was going on');
});

test('both forms say how the measurements began, and the baseline where the time goes', () => {
  for (const text of [toTable(REPORT), toMarkdown(REPORT)]) expect(text).toContain('began when the server had used');
  const spoilt = toTable({ ...REPORT, beginnings: ['quiet', 'busy', 'quiet'] });
  expect(spoilt).toContain('1 of 3 began although it was not, after 60 s.');
  expect(toMarkdown(REPORT)).toContain('## Where the time goes');
});

test('the machine is described without anything that identifies it', () => {
  const machine = describeMachine();
  expect(machine.cores).toBeGreaterThan(0);
  expect(Object.keys(machine).toSorted()).toEqual([
    'cores',
    'loadBefore',
    'memoryGiB',
    'node',
    'platform',
    'processor',
  ]);
});
