import { CHAPTERS, REFUSALS } from '../../test/scenarios/index.js';
import type { Chapter, Scenario } from '../../test/scenarios/scenario.js';
import { type Blocks, code, table } from './markdown.js';

/** For docs/scenarios.md: what the tests show, in the words of the catalogue beside them. */
export function scenarioBlocks(): Blocks {
  return {
    counts: countLines(CHAPTERS.flatMap(({ scenarios }) => scenarios)),
    scenarios: CHAPTERS.map(chapterText).join('\n\n'),
    refusals: table(
      ['What', 'Refused', 'Checked in', 'Shown by'],
      REFUSALS.map(({ what, refused, checkedIn, tests }) => [
        sentence(what),
        sentence(refused),
        checkedIn.map(code).join('<br>'),
        shownBy(tests),
      ]),
    ),
  };
}

function countLines(scenarios: readonly Scenario[]): string {
  const replaced = scenarios.filter(({ replacedBy }) => replacedBy !== undefined);
  const different = scenarios.filter(({ differs }) => differs !== undefined);
  return [
    `- ${scenarios.length} scenarios, ${scenarios.filter(({ tests }) => tests.length > 0).length} of them with a test;`,
    `- in ${different.length} the answer is another here, and says why;`,
    `- in ${replaced.length} there is no such thing here, and it says what takes its place.`,
  ].join('\n');
}

function chapterText({ letter, title, scenarios }: Chapter): string {
  const rows = scenarios.map((one) => [String(one.number), sentence(one.scenario), answerOf(one), shownBy(one.tests)]);
  return `### ${letter}. ${title}\n\n${table(['No.', 'Scenario', 'What happens', 'Shown by'], rows)}`;
}

function answerOf({ answer, differs, replacedBy }: Scenario): string {
  const parts = [
    sentence(answer),
    ...(differs === undefined ? [] : [`**Differs:** ${differs}.`]),
    ...(replacedBy === undefined ? [] : [`**In its place:** ${replacedBy}.`]),
  ];
  return parts.join(' ');
}

/** Every file once, with its tests below it. */
function shownBy(tests: readonly string[]): string {
  const files = new Map<string, string[]>();
  for (const test of tests) {
    const [file = '', ...names] = test.split(' > ');
    files.set(file, [...(files.get(file) ?? []), ...(names.length > 0 ? [names.join(' › ')] : [])]);
  }
  return [...files].map(([file, names]) => [link(file), ...names].join('<br>')).join('<br>');
}

function link(file: string): string {
  return `[${file.replace(/^test\//, '').replace(/\.test\.ts$|\.ts$/, '')}](../${file})`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
