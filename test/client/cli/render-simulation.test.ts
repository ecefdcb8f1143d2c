import { Chalk } from 'chalk';
import { expect, test } from 'vitest';
import { renderSimulation } from '../../../client/cli/render-simulation.js';
import { type SimulationFlags, toSimulation } from '../../../client/simulation.js';
import { simulate, worstCase } from '../../../domain/simulate.js';
import { type RolloutSpec, resolvePolicy } from '../../../domain/spec.js';
import { ROLLOUT, spec } from '../builders.js';

function render(names: readonly string[], rollout: Partial<RolloutSpec>, flags: Partial<SimulationFlags> = {}): string {
  const asked = spec({ rollout: { ...ROLLOUT, ...rollout } }, names);
  const policy = resolvePolicy(asked);
  const prepared = toSimulation({
    spec: asked,
    policy,
    plan: null,
    flags: {
      fail: [],
      duration: [],
      rowsPerSecond: 50_000,
      cutoverMs: 5_000,
      approveAfterMs: 0,
      cutoverAfterMs: null,
      controls: [],
      ...flags,
    },
    refuse: (message) => {
      throw new Error(message);
    },
  });
  const [simulation, worst] = [simulate(prepared.input), worstCase(prepared.input)];
  return renderSimulation(
    { simulation, worst, spec: asked, policy, durations: prepared.durations },
    { style: new Chalk({ level: 0 }) },
  );
}

test('a simulation shows the numbers that apply, what was assumed, the timeline, the verdict and the worst case', () => {
  const waves = [
    { name: 'canary', deployments: ['eu'], bakeTimeMs: 1_800_000, gate: 'auto', expiresAfterMs: null },
    { name: 'rest', deployments: ['us', 'ap'], bakeTimeMs: 0, gate: 'manual', expiresAfterMs: 43_200_000 },
  ] as const;
  const flags = { duration: ['ap=20m'], fail: ['us@cutover'] };
  expect(render(['eu', 'us', 'ap'], { cutover: 'barrier', maxConcurrency: 2, waves }, flags)).toMatchInlineSnapshot(`
    "Rollout in 2 waves (onFailure halt, inFlight finish, cutover barrier):
      1. canary: eu
         2 at a time; halt after 1 setback (failureTolerance 0); then bakes 30m 00s
      2. rest: us, ap
         waits for approve, for at most 12h 00m; 2 at a time; halt after 1 setback (failureTolerance 0)
    Assumed: 20m 00s in ap (--duration); 10m 00s in eu, us (the default)

    TIME      WHERE   WHAT
    00:00:00  canary  wave started
    00:00:00  eu      started
    00:10:00  eu      copy ready, parked
    00:10:00  eu      cutover begun
    00:10:05  eu      completed
    00:40:05  rest    gate waits for approve
    00:40:05          approve wave rest
    00:40:05  rest    wave started
    00:40:05  us, ap  started
    00:50:05  us      copy ready, parked
    01:00:05  ap      copy ready, parked
    01:00:05  us      cutover begun
    01:00:10  us      failed

    Verdict: running, degraded, and waits for cutover after 01:00:10 (1 completed, 1 failed, 1 parked)
    Worst case: a change that fails everywhere is copied on 1 of 3 deployments, and cut over on 1 before the policy closes"
  `);
});

test('a wait that only a person can end is part of the verdict', () => {
  const text = render(['eu', 'us'], { onFailure: 'pause' }, { fail: ['eu@90s'] });
  expect(text).toContain('Verdict: paused, and waits for release after 00:01:30 (1 failed, 1 pending)');
  expect(render(['eu'], { onFailure: 'continue' })).toContain(
    'Worst case: a change that fails everywhere is started on 1 of 1 deployment; onFailure continue never closes the policy',
  );
});

test('days stand in front of the clock', () => {
  expect(render(['eu'], {}, { duration: ['3d'] })).toContain('3d 00:00:00  eu     completed');
});

test('hundreds of deployments are a page: what happens at once is one line, and the middle is left out', () => {
  const names = Array.from({ length: 400 }, (_, index) => `d${index}`);
  const inSequence = render(names, {}).split('\n');
  expect(inSequence.length).toBeLessThan(135);
  expect(inSequence.find((line) => line.startsWith('…'))).toMatch(/^… \d+ more lines; -o json has them all$/);
  const atOnce = render(names, { maxConcurrency: '50%' });
  expect(atOnce).toContain('00:10:00  d200, d201, d202, d203, d204, d205, d206, … (200)  started');
  for (const line of [...inSequence, ...atOnce.split('\n')]) expect(line.length).toBeLessThan(150);
});
