import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { History } from '@temporalio/common/lib/proto-utils.js';

/** The recorded histories: a folder per scenario, a file per run, one event per line. */
const FOLDER = fileURLToPath(new URL('./histories', import.meta.url));

export interface RecordedHistory {
  readonly scenario: string;
  /** `apply-1`, `eu-2`: what ran, and its how many-th run. */
  readonly name: string;
  readonly workflowId: string;
  readonly workflowType: string;
  /** Proto JSON, as the tools of Temporal read and write it. */
  readonly history: { readonly events: readonly RecordedEvent[] };
}

interface RecordedEvent {
  readonly eventType: string;
  readonly workflowExecutionStartedEventAttributes?: {
    readonly workflowId: string;
    readonly workflowType: { readonly name: string };
  };
  readonly activityTaskScheduledEventAttributes?: { readonly activityType: { readonly name: string } };
}

export async function readHistories(): Promise<readonly RecordedHistory[]> {
  const files = await readdir(FOLDER, { recursive: true });
  return Promise.all(
    files
      .filter((file) => file.endsWith('.json'))
      .toSorted()
      .map(async (file) => {
        const history = JSON.parse(await readFile(join(FOLDER, file), 'utf8')) as RecordedHistory['history']; // written below
        const started = history.events[0]?.workflowExecutionStartedEventAttributes;
        if (started === undefined) throw new Error(`${file} does not begin with the start of a workflow`);
        const [scenario = '', name = ''] = file.replace(/\.json$/, '').split(/[\\/]/);
        return { scenario, name, workflowId: started.workflowId, workflowType: started.workflowType.name, history };
      }),
  );
}

/** Throws away what was recorded of a scenario and keeps these runs instead. */
export async function writeHistories(scenario: string, histories: ReadonlyMap<string, History>): Promise<void> {
  const folder = join(FOLDER, scenario);
  const texts = [...histories].map(([name, history]) => [name, toText(history)] as const);
  for (const [name, text] of texts) refusePaths(`${scenario}/${name}`, text);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, text] of texts) await writeFile(join(folder, `${name}.json`), text);
}

/** One event per line; who ran it and where is nobody's business later. */
function toText(history: History): string {
  const { events } = JSON.parse(historyToJSON(history)) as { events: unknown[] }; // the SDK says it is a history
  const lines = events.map((event) =>
    // Process and machine stand as `<pid>@<host>` in identities and in the names of sticky queues.
    JSON.stringify(event, (_key, value: unknown) =>
      typeof value === 'string' && /^\d+@/.test(value) ? 'recorder' : value,
    ),
  );
  return `{"events":[\n${lines.join(',\n')}\n]}\n`;
}

/** An absolute path in a history is a source path in everybody's user interface, and a person's folder in ours. */
export function refusePaths(name: string, text: string): void {
  const found = [text, ...decodedPayloads(text)].flatMap((part) => part.match(ABSOLUTE_PATH) ?? []);
  if (found.length === 0) return;
  throw new Error(`history ${name} holds absolute paths and is not kept: ${[...new Set(found)].join(', ')}`);
}

/** Two folders or more below a root, or a drive; an id such as `test/orders/eu` does not begin with a slash. */
const ABSOLUTE_PATH = /(?<![\w.:/-])\/[\w.@-]+\/[\w.@/-]+|\b[A-Za-z]:\\\\?[\w.]+|\bfile:\/\/\S+/g;

/** What the payloads say: they stand in the history in base64. */
function decodedPayloads(text: string): readonly string[] {
  return [...text.matchAll(/"data":"([A-Za-z0-9+/=]+)"/g)].map(([, data = '']) =>
    Buffer.from(data, 'base64').toString(),
  );
}
