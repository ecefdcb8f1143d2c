import type { Command } from 'commander';
import { type RolloutPlan, isNothingToDo, refuseProblems } from '../../plan.js';
import { readPlanFile, refuseOtherPlan } from '../../plan-file.js';
import { readSpecFile } from '../../spec-file.js';
import { type Cli, type CommandContext, type CommonOptions, addCommonOptions } from '../cli.js';
import { confirm } from '../confirm.js';
import type { ExitCode } from '../exit-code.js';
import { followApply } from '../follow.js';
import { renderPlan } from '../render-plan.js';

interface ApplyCommandOptions extends CommonOptions {
  readonly file?: string;
  readonly id?: string;
  readonly yes: boolean;
  readonly detach: boolean;
  readonly allowUnsafe: boolean;
  readonly allowDrift: boolean;
  readonly dryRun: boolean;
  readonly wait: boolean;
}

export function addApplyCommand(program: Command, cli: Cli): void {
  const command = addCommonOptions(program.command('apply'));
  command
    .description('plan, show, ask, start and follow a rollout; Ctrl-C detaches and never stops it')
    .argument('[plan.json]', 'a reviewed plan, as `plan --out` wrote it; the engines must still plan the same')
    .option('-f, --file <rollout.yaml>', 'the spec, where no reviewed plan is given')
    .option(
      '--id <id>',
      'apply id; a repeat with the same id and spec attaches (default: <database>-<8 random characters>)',
    )
    .option('-y, --yes', 'do not ask', false)
    .option('--detach', 'start and return', false)
    .option(
      '--allow-unsafe',
      'let the engines run statements they mark unsafe, and go on over lint errors; for this plan alone',
      false,
    )
    .option('--allow-drift', 'let each deployment run its own plan although they differ; put on record', false)
    .option('--dry-run', 'plan and show; start nothing', false)
    .option('--wait', 'without a terminal: keep following while a human is waited for, instead of exit code 4', false)
    .action(async (planFile: string | undefined, options: ApplyCommandOptions) => {
      const { file } = options;
      if ((planFile === undefined) === (file === undefined))
        command.error('error: name one of -f <rollout.yaml> and <plan.json>', { exitCode: 64 });
      if (!options.yes && !options.dryRun && !cli.terminal.interactive)
        command.error('error: there is no terminal to ask at; add -y to start without being asked', { exitCode: 64 });
      await cli.run(options, async (context) => await apply(context, { planFile, file, options }));
    });
}

async function apply(
  context: CommandContext,
  { planFile, file, options }: { planFile: string | undefined; file: string | undefined; options: ApplyCommandOptions },
): Promise<ExitCode> {
  const { client, terminal, note } = context;
  const reviewed = planFile === undefined ? null : await readPlanFile(planFile);
  const spec = reviewed ?? (await readSpecFile(file ?? ''));
  if (options.id !== undefined) {
    const there = await client.find(options.id, spec);
    if (there !== null) {
      note(`apply ${there.apply} exists with this spec; attached to it, nothing was started`);
      return await showStarted(context, there, options);
    }
  }
  const plan = await client.plan(spec);
  if (reviewed !== null) refuseOtherPlan(reviewed, plan);
  showPlan(context, plan, options);
  refuseProblems(plan, options);
  if (options.dryRun) return 0;
  if (!options.yes && !isNothingToDo(plan) && !(await confirm(terminal, 'Apply this?'))) {
    note('nothing was started');
    return 0;
  }
  const id = options.id ?? client.newApplyId(plan.spec.database);
  // Named before it is started, so that whatever is lost on the way, a repeat with --id finds the same apply.
  note(`apply ${id}`);
  return await showStarted(
    context,
    await client.apply(plan, { id, allowUnsafe: options.allowUnsafe, allowDrift: options.allowDrift }),
    options,
  );
}

function showPlan({ json, print, terminal }: CommandContext, plan: RolloutPlan, options: ApplyCommandOptions): void {
  if (!json) print(`${renderPlan(plan, terminal.style)}\n`);
  else if (options.dryRun) print(JSON.stringify(plan));
}

async function showStarted(
  context: CommandContext,
  started: { readonly apply: string; readonly runId: string; readonly attached: boolean },
  options: ApplyCommandOptions,
): Promise<ExitCode> {
  if (!options.detach) return await followApply(context, started.apply, { wait: options.wait, json: 'final' });
  context.print(context.json ? JSON.stringify(started) : started.apply);
  return 0;
}
