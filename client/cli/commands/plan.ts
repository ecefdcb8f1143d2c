import type { Command } from 'commander';
import { refuseProblems } from '../../plan.js';
import { writePlanFile } from '../../plan-file.js';
import { readSpecFile } from '../../spec-file.js';
import { type Cli, type CommonOptions, addCommonOptions } from '../cli.js';
import { exitCodeOfPlan } from '../exit-code.js';
import { renderPlan } from '../render-plan.js';

interface PlanOptions extends CommonOptions {
  readonly file: string;
  readonly out?: string;
  readonly allowUnsafe: boolean;
  readonly allowDrift: boolean;
}

export function addPlanCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('plan'))
    .description("ask every deployment's engine what it would do, and compare; changes nothing")
    .requiredOption('-f, --file <rollout.yaml>', 'the spec')
    .option('--out <plan.json>', 'also write the plan to this file, for `apply <plan.json>`')
    .option('--allow-unsafe', 'do not count unsafe statements and lint errors as problems', false)
    .option('--allow-drift', 'do not count plans that differ from the first one as problems', false)
    .action(async (options: PlanOptions) => {
      await cli.run(options, async ({ client, terminal, json, print, note }) => {
        const plan = await client.plan(await readSpecFile(options.file));
        if (options.out !== undefined) {
          await writePlanFile(options.out, plan);
          note(`written to ${options.out}; apply it with \`${terminal.program} apply ${options.out}\``);
        }
        print(json ? JSON.stringify(plan) : renderPlan(plan, terminal.style));
        // For a script the problems are in the object; for a person they are the message of the refusal.
        if (!json) refuseProblems(plan, options);
        return exitCodeOfPlan(plan, options);
      });
    });
}
