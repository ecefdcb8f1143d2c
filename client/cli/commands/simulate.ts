import type { Command } from 'commander';
import { parseClockMs } from '../../../domain/duration.js';
import { type SimulatedControl, type Simulation, simulate, worstCase } from '../../../domain/simulate.js';
import { resolvePolicy } from '../../../domain/spec.js';
import { APPLY_STATE } from '../../../domain/state.js';
import { readPlanFile } from '../../plan-file.js';
import { type SimulationFlags, toSimulation } from '../../simulation.js';
import { readSpecFile } from '../../spec-file.js';
import { type Cli, addOutputOption, collect } from '../cli.js';
import { renderSimulation } from '../render-simulation.js';

interface SimulateOptions {
  readonly output: 'text' | 'json';
  readonly file?: string;
  readonly fail: readonly string[];
  readonly duration: readonly string[];
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
      'it fails: at the end, at its second statement (us@2), or so long after its start (us@90s, us@00:01:30)',
      collect,
      [],
    )
    .option(
      '--duration <time|deployment=time>',
      'how long a deployment takes until its copy is finished (default: 10m each)',
      collect,
      [],
    )
    .option('--cutover-duration <time>', 'how long a cutover takes', '5s')
    .option('--approve-after <time|never>', 'a person approves each gate so long after it is waited for', '0s')
    .option('--cutover-after <time|never>', 'a person permits each cutover that waits for one so long after', 'never')
    .option('--stop-at <time>', 'a person stops it so long after the start, such as 00:10:00 or 10m')
    .option('--cancel-at <time>', 'a person cancels it so long after the start')
    .option('--release-at <time>', 'a person releases it so long after the start')
    .action(async (planFile: string | undefined, options: SimulateOptions) => {
      const { file } = options;
      if ((planFile === undefined) === (file === undefined))
        command.error('error: name one of -f <rollout.yaml> and <plan.json>', { exitCode: 64 });
      const usage = (message: string): never => command.error(`error: ${message}`, { exitCode: 64 });
      await cli.runLocally(options, async ({ json, print, terminal }) => {
        const plan = planFile === undefined ? null : await readPlanFile(planFile);
        const { spec } = plan ?? (await readSpecFile(file ?? ''));
        const policy = resolvePolicy(spec);
        const input = toSimulation({ spec, policy, plan, flags: toFlags(options, usage), refuse: usage });
        const simulation = simulate(input);
        const worst = worstCase(input);
        print(
          json
            ? JSON.stringify({ ...simulation, worstCase: worst })
            : renderSimulation({ simulation, worst, policy }, terminal.style),
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
