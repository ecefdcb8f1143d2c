import type { Command } from 'commander';
import { explainStatus } from '../../why.js';
import { type Cli, type CommonOptions, addCommonOptions } from '../cli.js';
import { exitCodeOfStatus } from '../exit-code.js';
import { renderExplanation } from '../render-answers.js';

export function addWhyCommand(program: Command, cli: Cli): void {
  addCommonOptions(program.command('why'))
    .description('say why an apply stands where it stands, and what to type next')
    .argument('<apply>', 'apply id')
    .action(async (apply: string, options: CommonOptions) => {
      await cli.run(options, async ({ client, terminal, json, print }) => {
        const status = await client.status(apply);
        const explanation = explainStatus(status);
        print(json ? JSON.stringify(explanation) : renderExplanation(explanation, terminal));
        return exitCodeOfStatus(status);
      });
    });
}
