import type { ControlReport } from '../controls.js';
import type { ResumedApply } from '../resume.js';
import type { CommandContext } from './cli.js';
import type { ExitCode } from './exit-code.js';
import { followApply } from './follow.js';
import { renderReport, renderResumed } from './render-answers.js';

type Answer = ControlReport | ResumedApply;

/** Shows what became of a control; one that is only recorded is `unavailable` to a script (design 3, stop). */
export function showAnswer({ json, print, terminal }: CommandContext, answer: Answer): ExitCode {
  if (json) print(JSON.stringify(answer));
  else print('answer' in answer ? renderReport(answer, terminal) : renderResumed(answer));
  return 'answer' in answer && answer.answer === 'recorded' ? 69 : 0;
}

/** A stop or a cancel: shown, and followed to the end on request. */
export async function showHalt(
  context: CommandContext,
  answer: Answer,
  options: { readonly wait: boolean },
): Promise<ExitCode> {
  if (!options.wait || ('answer' in answer && answer.answer === 'recorded')) return showAnswer(context, answer);
  if (!context.json) showAnswer(context, answer);
  return await followApply(context, answer.apply, { wait: true, json: 'final' });
}

/** A start or a retry: shown, and followed to the end unless that is not wanted. */
export async function showGoingOn(
  context: CommandContext,
  answer: Answer,
  options: { readonly detach: boolean; readonly wait: boolean },
): Promise<ExitCode> {
  if (options.detach) return showAnswer(context, answer);
  if (!context.json) showAnswer(context, answer);
  return await followApply(context, answer.apply, { wait: options.wait, json: 'final' });
}
