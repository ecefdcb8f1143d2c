import type { Command } from 'commander';
import { parseClockMs } from '../../../domain/duration.js';
import { type Simulation, simulate, worstCase } from '../../../domain/simulate.js';
import type { SimulatedControl } from '../../../domain/simulation-input.js';
import { resolvePolicy } from '../../../domain/spec.js';
import { APPLY_STATE } from '../../../domain/state.js';
import { refuseProblems } from '../../plan.js';
import { readPlanFile } from '../../plan-file.js';
import { type SimulationFlags, toSimulation } from '../../simulation.js';
import { readSpecFile } from '../../spec-file.js';
import { wholeNumber } from '../arguments.js';
import { type Cli, addOutputOption, collect } from '../cli.js';
import { renderSimulation } from '../render-simulation.js';

interface SimulateOptions {
  readonly output: 'text' | 'json';
  readonly file?: string;
  readonly fail: readonly string[];
  readonly duration: readonly string[];
  readonly rowsPerSecond: number;
  readonly cutoverDuration: string;
  readonly approveAfter: string;
  readonly cutoverAfter: string;
  readonly stopAt?: string;
  readonly cancelAt?: string;
  readonly releaseAt?: string;
}

export function addSimulateCommand(program: Command, cli: Cli): void {
  const command = addOutputOption(program.command('simulate'));
  command
    .description('run a spec through the very rules of an apply, without any server: timeline, verdict, worst case')
    .argument('[plan.json]', 'a reviewed plan, as `plan --out` wrote it')
    .option('-f, --file <rollout.yaml>', 'the spec, where no plan is given')
    .option(
      '--fail <deployment[@when]>',
      'it fails: at the end of its copy, at its second statement (us@2), so long after its start (us@90s, us@00:01:30), or at its cutover (us@cutover); may be given several times',
      collect,
      [],
    )
    .option(
      '--duration <time|deployment=time>',
      'how long all deployments take until their copies are finished, or one of them; may be given several times (default: by the rows that the plan knows of, else 10m)',
      collect,
      [],
    )
    .option(
      '--rows-per-second <count>',
      'rows that a statement works through in a second, where the plan knows how many there are',
      wholeNumber({ min: 1, max: 1_000_000_000 }),
      50_000,
    )
    .option('--cutover-duration <time>', 'how long a cutover takes', '5s')
    .option('--approve-after <time|never>', 'a person approves each gate so long after it is waited for', '0s')
    .option(
      '--cutover-after <time|never>',
      'a person permits what is parked so long after everything waits for that',
      'never',
    )
    .option('--stop-at <time>', 'a person stops it so long after the start, such as 00:10:00 or 10m')
    .option('--cancel-at <time>', 'a person cancels it so long after the start')
    .option('--release-at <time>', 'a person releases it so long after the start')
    .action(async (planFile: string | undefined, options: SimulateOptions) => {
      const { file } = options;
      if ((planFile === undefined) === (file === undefined))
        command.error('error: name one of -f <rollout.yaml> and <plan.json>', { exitCode: 64 });
      const usage = (message: string): never => command.error(`error: ${message}`, { exitCode: 64 });
      const flags = toFlags(options, usage);
      await cli.runLocally(options, async ({ json, print, terminal }) => {
        const plan = planFile === undefined ? null : await readPlanFile(planFile);
        // What could not be planned cannot be simulated; what a person may allow can.
        if (plan !== null) refuseProblems(plan, { allowUnsafe: true, allowDrift: true });
        const { spec } = plan ?? (await readSpecFile(file ?? ''));
        const policy = resolvePolicy(spec);
        const prepared = toSimulation({ spec, policy, plan, flags, refuse: usage });
        const simulation = simulate(prepared.input);
        const worst = worstCase(prepared.input);
        print(
          json
            ? JSON.stringify({ ...simulation, policy, durations: prepared.durations, worstCase: worst })
            : renderSimulation({ simulation, worst, spec, policy, durations: prepared.durations }, terminal),
        );
        return exitCodeOf(simulation);
      });
    });
}

function exitCodeOf({ state, waitingFor }: Simulation): number {
  return APPLY_STATE[state].ended || waitingFor === null ? APPLY_STATE[state].exitCode : 4;
}

function toFlags(options: SimulateOptions, refuse: (message: string) => never): SimulationFlags {
  const time = (flag: string, text: string): number =>
    parseClockMs(text) ?? refuse(`${flag} takes a time such as 10m or 00:10:00, got "${text}"`);
  const orNever = (flag: string, text: string) => (text === 'never' ? null : time(flag, text));
  const control = (name: SimulatedControl['name'], flag: string, text: string | undefined): SimulatedControl[] =>
    text === undefined ? [] : [{ atMs: time(flag, text), name, wave: null, deployments: [] }];
  return {
    fail: options.fail,
    duration: options.duration,
    rowsPerSecond: options.rowsPerSecond,
    cutoverMs: time('--cutover-duration', options.cutoverDuration),
    approveAfterMs: orNever('--approve-after', options.approveAfter),
    cutoverAfterMs: orNever('--cutover-after', options.cutoverAfter),
    controls: [
      ...control('stop', '--stop-at', options.stopAt),
      ...control('cancel', '--cancel-at', options.cancelAt),
      ...control('release', '--release-at', options.releaseAt),
    ],
  };
}
