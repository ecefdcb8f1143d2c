import type { Command } from 'commander';
import { openProblems, refuseProblems } from '../../plan.js';
import { writePlanFile } from '../../plan-file.js';
import { readSpecFile } from '../../spec-file.js';
import { type Cli, type CommonOptions, addCommonOptions } from '../cli.js';
import { renderPlan } from '../render-plan.js';

interface PlanOptions extends CommonOptions {
  readonly file: string;
  readonly out?: string;
  readonly allowUnsafe: boolean;
}

export function addPlanCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('plan'))
    .description("ask every deployment's engine what it would do, and compare; changes nothing")
    .requiredOption('-f, --file <rollout.yaml>', 'the spec')
    .option('--out <plan.json>', 'also write the plan to this file, for `apply <plan.json>`')
    .option('--allow-unsafe', 'do not count unsafe statements and lint errors as problems', false)
    .action(async (options: PlanOptions) => {
      await cli.run(options, async ({ client, terminal, json, print, note }) => {
        const { allowUnsafe } = options;
        const plan = await client.plan(await readSpecFile(options.file));
        print(json ? JSON.stringify(plan) : renderPlan(plan, { style: terminal.style, allowUnsafe }));
        // What cannot be applied is shown above already, so only its exit code is left to tell.
        if (openProblems(plan, { allowUnsafe }).some(({ kind }) => kind === 'unreachable'))
          refuseProblems(plan, { allowUnsafe });
        if (options.out !== undefined) {
          await writePlanFile(options.out, plan);
          note(`written to ${options.out}; apply it with \`${terminal.program} apply ${options.out}\``);
        }
        return openProblems(plan, { allowUnsafe }).length === 0 ? 0 : 1;
      });
    });
}
