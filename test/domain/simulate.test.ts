import { describe, expect, it } from 'vitest';
import { type Simulation, simulate, worstCase } from '../../domain/simulate.js';
import type { SimulationInput, SimulatedControl, SimulatedOperation } from '../../domain/simulation-input.js';
import { CUTOVERS, ON_FAILURE, type RolloutPolicy, type WavePolicy } from '../../domain/spec.js';
import { hasEnded } from '../../domain/state.js';
import { policy, wave } from './builders.js';

const MINUTE = 60_000;

function operation(deployment: string, given: Partial<SimulatedOperation> = {}): SimulatedOperation {
  return {
    deployment,
    copyMs: 10 * MINUTE,
    cutoverMs: 5_000,
    failsAfterMs: null,
    failsAtCutover: false,
    nothingToDo: false,
    ...given,
  };
}

/** One wave of everything unless the policy has others. */
function input(
  operations: readonly SimulatedOperation[],
  rules: Partial<RolloutPolicy> & Partial<Pick<WavePolicy, 'maxConcurrency' | 'failureTolerance'>> = {},
  given: Partial<SimulationInput> = {},
): SimulationInput {
  const { maxConcurrency = 1, failureTolerance = 0, ...others } = rules;
  const deployments = operations.map(({ deployment }) => deployment);
  return {
    policy: policy('halt', 0, 1, { waves: [wave({ deployments, maxConcurrency, failureTolerance })], ...others }),
    operations,
    controls: [],
    approveAfterMs: 0,
    cutoverAfterMs: null,
    ...given,
  };
}

/** `10:00 eu completed`: minutes and seconds, a line per event. */
function timeline({ events }: Simulation): readonly string[] {
  return events.map(({ atMs, subject, what }) => {
    const clock = `${String(Math.floor(atMs / MINUTE)).padStart(2, '0')}:${String((atMs / 1_000) % 60).padStart(2, '0')}`;
    return [clock, subject, what].filter((part) => part !== null).join(' ');
  });
}

function ends({ operations }: Simulation): readonly string[] {
  return operations.map(
    ({ deployment, state, reason }) => `${deployment} ${state}${reason === null ? '' : ` ${reason}`}`,
  );
}

function person(name: SimulatedControl['name'], atMs: number): SimulatedControl {
  return { atMs, name, wave: null, deployments: [] };
}

const EU = operation('eu');
const US = operation('us');
const AP = operation('ap');
const ALL = [EU, US, AP];

describe('a simulated rollout', () => {
  it('runs one after the other, as the width says', () => {
    const simulation = simulate(input([EU, US]));
    expect(timeline(simulation)).toEqual([
      '00:00 eu started',
      '10:00 eu completed',
      '10:00 us started',
      '20:00 us completed',
    ]);
    expect(simulation).toMatchObject({ state: 'completed', waitingFor: null, elapsedMs: 20 * MINUTE });
    expect(simulate(input(ALL, { maxConcurrency: 3 })).elapsedMs).toBe(10 * MINUTE);
  });

  it('is the same every time', () => {
    const given = input(ALL, { cutover: 'barrier', maxConcurrency: 2 }, { controls: [person('stop', 15 * MINUTE)] });
    expect(simulate(given)).toEqual(simulate(given));
  });

  it('that is rolling halts when one fails in the middle: what runs finishes, the rest is never started', () => {
    const failing = operation('us', { failsAfterMs: 4 * MINUTE });
    const simulation = simulate(input([EU, failing, AP], { maxConcurrency: 2 }));
    expect(timeline(simulation)).toEqual([
      '00:00 eu started',
      '00:00 us started',
      '04:00 us failed',
      '04:00 ap stopped (policy)',
      '10:00 eu completed',
    ]);
    expect(simulation).toMatchObject({ state: 'failed', elapsedMs: 10 * MINUTE });
    expect(simulation.reachedBeforeClosing).toEqual({ started: 2, changed: 2 });
  });

  it('with inFlight stop halts what runs as well', () => {
    const failing = operation('us', { failsAfterMs: 90_000 });
    const simulation = simulate(input([EU, failing, AP], { maxConcurrency: 2, inFlight: 'stop' }));
    expect(ends(simulation)).toEqual(['eu stopped policy', 'us failed', 'ap stopped policy']);
    expect(simulation.elapsedMs).toBe(90_000);
  });

  it('under pause stands until a release, and goes on with it', () => {
    const operations = [operation('eu', { failsAfterMs: MINUTE }), US];
    expect(simulate(input(operations, { onFailure: 'pause' }))).toMatchObject({
      state: 'paused',
      waitingFor: 'release',
    });
    const released = simulate(input(operations, { onFailure: 'pause' }, { controls: [person('release', 5 * MINUTE)] }));
    expect(timeline(released)).toEqual([
      '00:00 eu started',
      '01:00 eu failed',
      '05:00 release',
      '05:00 us started',
      '15:00 us completed',
    ]);
    expect(released.state).toBe('failed');
  });

  it('under continue goes on over every failure, and the verdict is failed all the same', () => {
    const simulation = simulate(input([operation('eu', { failsAfterMs: MINUTE }), US], { onFailure: 'continue' }));
    expect(ends(simulation)).toEqual(['eu failed', 'us completed']);
    expect(simulation.state).toBe('failed');
  });

  it('is stopped at a time: what runs is stopped on its engine, what waits is never started', () => {
    const simulation = simulate(input(ALL, {}, { controls: [person('stop', 12 * MINUTE)] }));
    expect(timeline(simulation).slice(3)).toEqual([
      '12:00 stop',
      '12:00 ap stopped (operator)',
      '12:00 us stopped (operator)',
    ]);
    expect(simulation.state).toBe('stopped');
  });

  it('is cancelled at a time, for good', () => {
    const simulation = simulate(input(ALL, {}, { controls: [person('cancel', 12 * MINUTE)] }));
    expect(ends(simulation)).toEqual(['eu completed', 'us cancelled operator', 'ap cancelled operator']);
    expect(simulation.state).toBe('cancelled');
  });

  it('tells a control that is refused, with the reason', () => {
    const simulation = simulate(input([EU], {}, { controls: [person('release', MINUTE)] }));
    expect(timeline(simulation)[1]).toContain('01:00 release: apply simulated: the policy is open');
  });

  it('leaves alone what has nothing to do: it has completed before anything starts', () => {
    const simulation = simulate(input([operation('eu', { nothingToDo: true, copyMs: 0 }), US], { cutover: 'barrier' }));
    expect(ends(simulation)).toEqual(['eu completed nothing_to_do', 'us completed']);
    expect(timeline(simulation)[0]).toBe('00:00 us started');
    expect(simulation.reachedBeforeClosing.started).toBe(1);
  });
});

describe('a cutover', () => {
  it('behind a barrier waits until all copies are ready, and then comes one at a time in rollout order', () => {
    const simulation = simulate(
      input([EU, operation('us', { copyMs: 3 * MINUTE })], { cutover: 'barrier', maxConcurrency: 2 }),
    );
    expect(timeline(simulation)).toEqual([
      '00:00 eu started',
      '00:00 us started',
      '03:00 us copy ready, parked',
      '10:00 eu copy ready, parked',
      '10:00 eu cutover begun',
      '10:05 eu completed',
      '10:05 us cutover begun',
      '10:10 us completed',
    ]);
  });

  it('that is ordered waits only for those before it', () => {
    const simulation = simulate(
      input([operation('eu', { copyMs: 3 * MINUTE }), US], { cutover: 'ordered', maxConcurrency: 2 }),
    );
    expect(timeline(simulation).slice(2)).toEqual([
      '03:00 eu copy ready, parked',
      '03:00 eu cutover begun',
      '03:05 eu completed',
      '10:00 us copy ready, parked',
      '10:00 us cutover begun',
      '10:05 us completed',
    ]);
  });

  it('that is manual waits for a person, for ever when nobody answers', () => {
    const never = simulate(input([EU, US], { cutover: 'manual' }));
    expect(never).toMatchObject({ state: 'waiting_for_cutover', waitingFor: 'cutover', elapsedMs: 20 * MINUTE });
    expect(ends(never)).toEqual(['eu waiting_for_cutover', 'us waiting_for_cutover']);
    const answered = simulate(input([EU, US], { cutover: 'manual' }, { cutoverAfterMs: MINUTE }));
    expect(timeline(answered).slice(4)).toEqual([
      '21:00 cutover eu, us',
      '21:00 eu cutover begun',
      '21:00 us cutover begun',
      '21:05 eu completed',
      '21:05 us completed',
    ]);
  });

  it('that fails under halt leaves what is parked to a person', () => {
    const operations = [operation('eu', { failsAtCutover: true }), US];
    const simulation = simulate(input(operations, { cutover: 'barrier', maxConcurrency: 2 }));
    expect(simulation).toMatchObject({ state: 'running_degraded', waitingFor: 'cutover' });
    expect(ends(simulation)).toEqual(['eu failed', 'us waiting_for_cutover']);
    expect(simulation.reachedBeforeClosing).toEqual({ started: 2, changed: 1 });
    const answered = simulate(input(operations, { cutover: 'barrier', maxConcurrency: 2 }, { cutoverAfterMs: 0 }));
    expect(ends(answered)).toEqual(['eu failed', 'us completed']);
  });

  it('that has begun comes to its end in spite of a stop', () => {
    const given = { controls: [person('stop', 10 * MINUTE + 1_000)] };
    const simulation = simulate(input([EU, US], { cutover: 'ordered', maxConcurrency: 2 }, given));
    expect(ends(simulation)).toEqual(['eu completed', 'us stopped operator']);
    expect(simulation).toMatchObject({ state: 'stopped', elapsedMs: 10 * MINUTE + 5_000 });
  });
});

describe('waves', () => {
  const first = wave({ name: 'first', deployments: ['eu'], bakeTimeMs: 30 * MINUTE });
  const second = wave({ name: 'second', deployments: ['us'], gate: 'manual', expiresAfterMs: 60 * MINUTE });

  it('bake, wait at a gate and are approved by the simulated person', () => {
    const simulation = simulate(input([EU, US], { waves: [first, second] }, { approveAfterMs: 2 * MINUTE }));
    expect(timeline(simulation)).toEqual([
      '00:00 first wave started',
      '00:00 eu started',
      '10:00 eu completed',
      '40:00 second gate waits for approve',
      '42:00 approve wave second',
      '42:00 second wave started',
      '42:00 us started',
      '52:00 us completed',
    ]);
  });

  it('are told in the same order when the answer comes at once', () => {
    expect(timeline(simulate(input([EU, US], { waves: [first, second] }))).slice(3, 6)).toEqual([
      '40:00 second gate waits for approve',
      '40:00 approve wave second',
      '40:00 second wave started',
    ]);
  });

  it('end at a gate that nobody answers, once it expires', () => {
    const simulation = simulate(input([EU, US], { waves: [first, second] }, { approveAfterMs: null }));
    expect(timeline(simulation).slice(3)).toEqual([
      '40:00 second gate waits for approve',
      '100:00 second gate expired',
      '100:00 us stopped (deadline)',
    ]);
    expect(simulation.state).toBe('stopped');
  });

  it('stand at a gate that never expires', () => {
    const waves = [first, { ...second, expiresAfterMs: null }];
    const simulation = simulate(input([EU, US], { waves }, { approveAfterMs: null }));
    expect(simulation).toMatchObject({ state: 'running', waitingFor: 'gate', elapsedMs: 40 * MINUTE });
  });

  it('that follow a failure are never started', () => {
    const simulation = simulate(input([operation('eu', { failsAfterMs: MINUTE }), US], { waves: [first, second] }));
    expect(ends(simulation)).toEqual(['eu failed', 'us stopped policy']);
    expect(simulation.elapsedMs).toBe(MINUTE);
  });

  it('wait for no bake and no yes where there is nothing to do', () => {
    const idle = [operation('eu', { nothingToDo: true }), operation('us', { nothingToDo: true }), AP];
    const waves = [first, { ...second, deployments: ['us'] }, wave({ name: 'third', deployments: ['ap'] })];
    const simulation = simulate(input(idle, { waves }, { approveAfterMs: null }));
    expect(simulation).toMatchObject({ state: 'completed', elapsedMs: 10 * MINUTE });
  });
});

describe('the worst case', () => {
  const six = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => operation(name));

  it.each([
    [1, 0, 1],
    [3, 0, 3],
    [1, 2, 3],
    [2, 1, 2],
    [2, 2, 4],
    [9, 0, 6],
  ])('of width %i and tolerance %i reaches %i of six', (maxConcurrency, failureTolerance, started) => {
    expect(worstCase(input(six, { maxConcurrency, failureTolerance }))).toEqual({ started, changed: started });
  });

  it('is everything where failure does not matter', () => {
    expect(worstCase(input(six, { onFailure: 'continue' }))).toEqual({ started: 6, changed: 6 });
  });

  it('is what has been copied, and what has begun to cut over, where cutovers wait', () => {
    expect(worstCase(input(six, { cutover: 'ordered' }))).toEqual({ started: 2, changed: 1 });
    expect(worstCase(input(six, { cutover: 'barrier' }))).toEqual({ started: 6, changed: 1 });
    expect(worstCase(input(six, { cutover: 'barrier', failureTolerance: 2 }))).toEqual({ started: 6, changed: 3 });
    expect(worstCase(input(six, { cutover: 'manual' }))).toEqual({ started: 6, changed: 6 });
  });

  it('stays inside the first wave', () => {
    const waves = [
      wave({ name: 'canary', deployments: ['a'] }),
      wave({ name: 'rest', deployments: ['b', 'c', 'd', 'e', 'f'], maxConcurrency: 5 }),
    ];
    expect(worstCase(input(six, { waves }))).toEqual({ started: 1, changed: 1 });
  });

  it('says nothing of what the person asked for: neither of their failures nor of their stop', () => {
    const failing = six.map((one) => ({ ...one, failsAfterMs: MINUTE }));
    const given = { controls: [person('stop', 0)] };
    expect(worstCase(input(failing, { maxConcurrency: 3 }, given))).toEqual(
      worstCase(input(six, { maxConcurrency: 3 })),
    );
  });
});

it('under every policy comes to an end, or to a wait that only a person can end', () => {
  let simulated = 0;
  for (const onFailure of ON_FAILURE)
    for (const cutover of CUTOVERS)
      for (const inFlight of ['finish', 'stop'] as const)
        for (const failsAfterMs of [null, MINUTE])
          for (const failsAtCutover of [false, true])
            for (const control of ['stop', 'cancel', 'release', null] as const) {
              const operations = [operation('eu', { failsAfterMs, failsAtCutover }), US, AP];
              const controls = control === null ? [] : [person(control, 11 * MINUTE)];
              const simulation = simulate(input(operations, { onFailure, cutover, inFlight }, { controls }));
              const isOver = simulation.operations.every(({ state }) => hasEnded(state));
              expect(
                isOver || ['release', 'cutover'].includes(simulation.waitingFor ?? ''),
                JSON.stringify(simulation),
              ).toBe(true);
              simulated += 1;
            }
  expect(simulated).toBe(384);
});
