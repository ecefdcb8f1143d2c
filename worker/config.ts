import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { DEFAULT_QUEUE, NAME_PATTERN, NAME_RULE } from '../domain/ids.js';
import type { EngineConfiguration } from '../tern/engines.js';
import { DEADLINE_CLASSES, type DeadlineClass } from '../tern/limits.js';
import { DURATION_RULE, parseDurationMs } from '../domain/duration.js';

/** The worker's own configuration, `skein.yaml`. Addresses and credentials stay here; workflows see names only (design 7). */
export interface WorkerConfig {
  /** Where the engine of each deployment is. */
  readonly deployments: Readonly<Record<string, EngineConfiguration>>;
  /** Queues whose calls and watches this worker runs: those its deployments are given in the specs. Default `[skein]`. */
  readonly queues: readonly string[];
  /** Deadlines per class of call to an engine, in milliseconds. Default: those of `tern/limits.ts`. */
  readonly deadlinesMs: Readonly<Partial<Record<DeadlineClass, number>>>;
  /** Whether it runs workflows too. They reach no engine, so one place is enough. Default: when it serves `skein`. */
  readonly workflows: boolean;
}

/** Everything that is wrong with a configuration file; the worker does not start. */
export class WorkerConfigInvalid extends Error {
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[]) {
    super(`worker configuration ${file} cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'WorkerConfigInvalid';
    this.problems = problems;
  }
}

const name = z.string().regex(NAME_PATTERN, `must be ${NAME_RULE}`);

/** A call that takes no time at all, or an hour, is a typing mistake. */
const DEADLINE_LIMITS_MS = { min: 100, max: 3_600_000 } as const;

const duration = z
  .string()
  .transform((text) => parseDurationMs(text) ?? Number.NaN)
  .refine((milliseconds) => milliseconds >= DEADLINE_LIMITS_MS.min && milliseconds <= DEADLINE_LIMITS_MS.max, {
    message: `must be from 100ms to 1h, ${DURATION_RULE}`,
  });

const SCHEMA = z.strictObject({
  deployments: z.record(
    name,
    z.strictObject({
      address: z.string().min(1, 'must be host:port'),
      tls: z
        .strictObject({
          ca: z.string().optional(),
          cert: z.string().optional(),
          key: z.string().optional(),
          serverName: z.string().optional(),
        })
        .optional(),
    }),
  ),
  deadlines: z.partialRecord(z.enum(DEADLINE_CLASSES), duration).optional(),
  queues: z.array(name).min(1).optional(),
  workflows: z.boolean().optional(),
});

/** Reads and checks a configuration file; throws `WorkerConfigInvalid` with every problem at once. */
export function readWorkerConfig(file: string): WorkerConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorkerConfigInvalid(file, [`it cannot be read: ${reason}; name it with --config or SKEIN_CONFIG`]);
  }
  return parseWorkerConfig(text, file);
}

export function parseWorkerConfig(text: string, file: string): WorkerConfig {
  const document = parseDocument(text, { lineCounter: new LineCounter() });
  if (document.errors.length > 0)
    throw new WorkerConfigInvalid(
      file,
      document.errors.map((error) => error.message),
    );
  const parsed = SCHEMA.safeParse(document.toJS());
  if (!parsed.success) {
    throw new WorkerConfigInvalid(
      file,
      parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${messageOf(issue)}`),
    );
  }
  const { deployments, queues = [DEFAULT_QUEUE], workflows = queues.includes(DEFAULT_QUEUE) } = parsed.data;
  const folder = dirname(resolve(file));
  const resolved = Object.entries(deployments).map(
    ([deployment, engine]) => [deployment, withFiles(engine, folder)] as const,
  );
  return { deployments: Object.fromEntries(resolved), deadlinesMs: parsed.data.deadlines ?? {}, queues, workflows };
}

/** What is wrong with a name stands inside the issue of its record. */
function messageOf(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join(', ') : issue.message;
}

/** Files are named relative to the configuration that names them. */
function withFiles(engine: z.infer<typeof SCHEMA>['deployments'][string], folder: string): EngineConfiguration {
  if (engine.tls === undefined) return { address: engine.address };
  const { serverName, ...files } = engine.tls;
  const located = Object.entries(files).flatMap(([option, path]) =>
    path === undefined ? [] : [[option, isAbsolute(path) ? path : resolve(folder, path)]],
  );
  return {
    address: engine.address,
    tls: { ...Object.fromEntries(located), ...(serverName === undefined ? {} : { serverName }) },
  };
}
