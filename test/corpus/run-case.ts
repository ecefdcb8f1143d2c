import type { EmbeddedPostgres } from '../../dev/postgres.js';
import { type PlanResponse, type ProgressResponse, State, type TableChange } from '../../proto/gen/tern.js';
import { ENDED, type RawClient } from '../engine/raw-client.js';
import { until } from '../support/until.js';
import type { Case } from './cases.js';
import type { CaseGroup } from './case-group.js';
import { inEmptyDatabase, withClient } from './cluster.js';
import { lossesOf } from './data.js';
import { type DatabaseState, readState } from './database-state.js';
import { loadFiles } from './reference.js';
import { differencesFromBefore, differencesFromFiles, halfDone, readSignature, type Signature } from './signature.js';
import { lostSurroundings } from './surroundings.js';
import type { Happened } from './verdict.js';

/** A case takes a second or two; one that has not ended after this never will. */
const END_DEADLINE_MS = 45_000;

/** Carries a case out on databases of its own: plan, apply, plan again, and the comparison with what the files say. */
export async function runCase(postgres: EmbeddedPostgres, one: Case, group: CaseGroup): Promise<Happened> {
  return group.run(postgres, one, async ({ dsn, target, client, before }) => {
    const ended = await carryOut({ client, target, one });
    const after = await withClient(dsn, readState);
    const faults = await faultsOf(postgres, one, ended.outcome, before, after);
    return { ...ended, losses: lossesOf(before.data, after.data), faults: [...ended.faults, ...faults] };
  });
}

interface Conversation {
  readonly client: RawClient;
  readonly target: string;
  readonly one: Case;
}

type Ended = Omit<Happened, 'losses'>;

async function carryOut(conversation: Conversation): Promise<Ended> {
  const { client, target, one } = conversation;
  let plan: PlanResponse;
  try {
    plan = await client.plan(target, one.files);
  } catch (error) {
    return { outcome: 'error', plan: '', said: String(error), isUnsafe: false, faults: [] };
  }
  const changes = plan.changes.flatMap((change) => change.tableChanges);
  const text = changes.map(textOf).join('\n----\n');
  const isUnsafe = changes.some((change) => change.isUnsafe);
  const base = { plan: text, isUnsafe, faults: [] };
  if (plan.errors.length > 0) return { ...base, outcome: 'refused', said: plan.errors.join('\n') };
  const blocked = changes.filter((change) => change.executionMode === 'blocked');
  const refusing = blocked.length > 0 ? blocked : changes.filter((change) => change.isUnsafe);
  // Without the option first: whatever is unsafe or blocked has to be refused then.
  const mustRefuse = blocked.length > 0 || isUnsafe;
  const careful = await client.apply({ planId: plan.planId, target });
  const reasons = refusing.flatMap(({ ddl, modeReason, unsafeReason }) => [
    // A difference without a statement is told in a comment.
    ddl.startsWith('--') ? ddl : '',
    modeReason,
    unsafeReason,
  ]);
  const said = [careful.errorMessage, ...reasons].filter((each) => each !== '').join('\n');
  if (careful.accepted) {
    const ended = { ...base, ...(await follow(conversation, careful.applyId)) };
    const fault = 'the plan is blocked or unsafe, and Apply takes it without allow_unsafe';
    return mustRefuse ? { ...ended, faults: [fault, ...ended.faults] } : ended;
  }
  if (!one.expectation.allowUnsafe && blocked.length === 0) return { ...base, outcome: 'refused', said };
  const bold = await client.apply({ planId: plan.planId, target, options: { allow_unsafe: 'true' } });
  if (!bold.accepted) return { ...base, outcome: 'refused', said: [bold.errorMessage, ...reasons].join('\n') };
  const ended = { ...base, ...(await follow(conversation, bold.applyId)) };
  const fault = 'the plan is blocked, and Apply takes it with allow_unsafe';
  return blocked.length > 0 ? { ...ended, faults: [fault, ...ended.faults] } : ended;
}

function textOf(change: TableChange): string {
  const { ddl, executionMode, modeReason, isUnsafe, unsafeReason } = change;
  const notes = [`${executionMode}: ${modeReason}`, ...(isUnsafe ? [`unsafe: ${unsafeReason}`] : [])];
  return [ddl, ...notes.map((note) => `-- ${note}`)].join('\n');
}

async function follow(
  conversation: Conversation,
  applyId: string,
): Promise<Pick<Ended, 'outcome' | 'said' | 'faults'>> {
  const { client } = conversation;
  let last: ProgressResponse | null = null;
  const ended = await until(async () => {
    last = await client.progress(applyId);
    return ENDED.includes(last.state) ? last : null;
  }, END_DEADLINE_MS).catch(() => null);
  if (ended === null) {
    const state = last === null ? 'no answer of Progress' : saidOf(last);
    await client.cancel(applyId);
    return { outcome: 'unended', said: state, faults: [] };
  }
  if (ended.state !== State.STATE_COMPLETED) return { outcome: 'failed', said: saidOf(ended), faults: [] };
  return { outcome: 'completed', said: '', faults: await remainingFaults(conversation) };
}

function saidOf({ state, errorMessage, tables }: ProgressResponse): string {
  const texts = tables.flatMap((table) => [table.errorMessage, table.progressDetail]);
  const name = Object.entries(State).find(([, value]) => value === state)?.[0] ?? '';
  return [name, ...new Set([errorMessage, ...texts])].filter((text) => text !== '').join('\n');
}

async function remainingFaults({ client, target, one }: Conversation): Promise<readonly string[]> {
  try {
    const again = await client.planDiff(target, one.files);
    const changes = again.changes.flatMap((change) => change.tableChanges);
    return [...again.errors, ...changes.map(({ ddl }) => ddl)].map((text) => `the next plan holds ${text}`);
  } catch (error) {
    return [`the next plan is ${String(error)}`];
  }
}

/** What is wrong with the database after an apply that ended so, or after a refusal. */
async function faultsOf(
  postgres: EmbeddedPostgres,
  one: Case,
  outcome: Happened['outcome'],
  before: DatabaseState,
  after: DatabaseState,
): Promise<readonly string[]> {
  const lost = lostSurroundings(before.surroundings, after.surroundings);
  if (outcome === 'refused' || outcome === 'error') {
    return [...differencesFromBefore(after.signature, before.signature), ...lost];
  }
  const namespaces = Object.keys(one.files);
  const fromFiles = await inEmptyDatabase(postgres, async (client) => {
    await client.query(one.around);
    await loadFiles(client, one.files);
    return readSignature(client);
  });
  if (outcome !== 'completed') return [...(await halfDone(before.signature, after.signature, fromFiles)), ...lost];
  const elsewhere = (signature: Signature): Signature =>
    new Map([...signature].filter(([, { namespace }]) => namespace !== null && !namespaces.includes(namespace)));
  const { behind } = before.data;
  return [
    ...(await differencesFromFiles(after.signature, fromFiles, namespaces)),
    ...differencesFromBefore(elsewhere(after.signature), elsewhere(before.signature)),
    ...lost,
    ...after.data.behind.filter((sentence) => !behind.includes(sentence)),
  ];
}
