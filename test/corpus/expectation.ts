import { parseDocument } from 'yaml';
import { z } from 'zod';

/** How a case can end. `error`: the engine answered neither with a plan nor with a verdict. `unended`: it goes on for ever. */
export type Outcome = 'completed' | 'refused' | 'failed' | 'error' | 'unended';

/** What `expected.yaml` says of a case. It is written before the code, from what a database administrator would agree with. */
export interface Expectation {
  /** What is right, in one sentence. It is the name of the test. */
  readonly says: string;
  /** Any of these is right. `failed` is right where the data does not fit. */
  readonly expect: readonly Outcome[];
  /** Whether the plan is applied with `allow_unsafe`. Without the option it then has to be refused. */
  readonly allowUnsafe: boolean;
  /** What a refusal or failure has to say, all of it. */
  readonly reason: readonly Text[];
  /** What a refusal or failure must not say, because it is not true. */
  readonly notReason: readonly Text[];
  /** What the plan has to hold, and what it must not: the statements, modes and reasons of all changes in order. */
  readonly plan: { readonly has: readonly Text[]; readonly lacks: readonly Text[] };
  /** Tables and columns whose data is meant to go, such as `public.t` or `public.t.c`. Only with `allowUnsafe`. */
  readonly loses: readonly string[];
  /** Major versions for which the case makes sense. */
  readonly servers: Versions;
  /** What happens today instead; null where the case is right. */
  readonly notYet: { readonly today: string; readonly servers: Versions } | null;
}

/** A text that has to be there as it is, or a pattern between slashes, such as `/at (rest|work)/i`. */
export type Text = string;

/** `=18`, `>=17` or `<18`; null for all. */
export type Versions = string | null;

const text = z.string().min(1);
const texts = z.union([text.transform((one) => [one]), z.array(text)]).default([]);
const versions = z.string().regex(/^(?:=|>=|<)\d+$/, 'must be a version such as =18, >=17 or <18');
const outcome = z.enum(['completed', 'refused', 'failed']);

const SCHEMA = z
  .strictObject({
    says: text,
    expect: z.union([outcome.transform((one) => [one]), z.array(outcome).min(1)]),
    allowUnsafe: z.boolean().default(false),
    reason: texts,
    notReason: texts,
    plan: z.strictObject({ has: texts, lacks: texts }).default({ has: [], lacks: [] }),
    loses: z.array(text).default([]),
    servers: versions.nullable().default(null),
    notYet: z
      .union([
        text.transform((today) => ({ today, servers: null })),
        z.strictObject({ today: text, servers: versions }),
      ])
      .nullable()
      .default(null),
  })
  .superRefine((value, context) => {
    const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const ends = value.expect.filter((each) => each !== 'completed');
    if (ends.length > 0 && value.reason.length === 0)
      complain('reason', `is missing: say which text belongs to "${ends.join(', ')}"`);
    if (ends.length === 0 && value.reason.length > 0)
      complain('reason', 'belongs to a refusal or a failure, and neither is expected');
    if (value.loses.length > 0 && !value.allowUnsafe) complain('loses', 'needs allowUnsafe: true');
    for (const each of [...value.reason, ...value.notReason, ...value.plan.has, ...value.plan.lacks]) {
      if (!isReadable(each)) complain('reason', `${each} is not a pattern that can be read`);
    }
  });

/** Reads an `expected.yaml`; throws with every problem, each with the file. */
export function parseExpectation(content: string, file: string): Expectation {
  const document = parseDocument(content);
  if (document.errors.length > 0)
    throw invalid(
      file,
      document.errors.map(({ message }) => message),
    );
  const parsed = SCHEMA.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  throw invalid(
    file,
    parsed.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)),
  );
}

function invalid(file: string, problems: readonly string[]): Error {
  return new Error(problems.map((problem) => `${file}: ${problem}`).join('\n'));
}

/** What holds for a case without an `expected.yaml`: it completes, or it is refused and nothing has changed. */
export const GENERAL_RULE: Expectation = {
  says: 'completes and is then what the files say, or is refused and changes nothing',
  expect: ['completed', 'refused'],
  allowUnsafe: false,
  reason: [],
  notReason: [],
  plan: { has: [], lacks: [] },
  loses: [],
  servers: null,
  notYet: null,
};

export function holdsFor(range: Versions, major: number): boolean {
  const [, relation, bound] = /^(=|>=|<)(\d+)$/.exec(range ?? '') ?? [];
  if (relation === undefined) return true;
  if (relation === '=') return major === Number(bound);
  return relation === '<' ? major < Number(bound) : major >= Number(bound);
}

export function isIn(wanted: Text, said: string): boolean {
  const pattern = patternOf(wanted);
  return pattern === null ? said.includes(wanted) : pattern.test(said);
}

function patternOf(wanted: Text): RegExp | null {
  const [, source, flags] = /^\/(.+)\/([a-z]*)$/s.exec(wanted) ?? [];
  return source === undefined ? null : new RegExp(source, flags);
}

function isReadable(wanted: Text): boolean {
  try {
    patternOf(wanted);
    return true;
  } catch {
    return false;
  }
}
