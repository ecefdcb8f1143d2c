import { randomBytes } from 'node:crypto';
import type { LogsRequest } from '../proto/gen/tern.js';
import { CALLS } from './calls.js';
import type { Connection } from './connection.js';
import type { EngineHealth } from './engine.js';
import { type StatusError, statusOf } from './failure.js';

/** What is at the other end of a connection. Only `proven` may be sent anything else (engine contract C45). */
export type Verdict =
  | { readonly kind: 'proven'; readonly health: EngineHealth }
  | {
      readonly kind: 'unproven';
      /** `Unreachable` may be better the next time; the others will not, over this connection. */
      readonly type: 'Unreachable' | 'AccessDenied' | 'DialectTooOld';
      readonly reason: string;
      readonly status: string | undefined;
    };

/**
 * Finds out whether an engine speaks the renumbered dialect, with calls that are harmless in every dialect (engine
 * contract 5.6): Health, and where that names neither version nor capabilities, Logs for a random apply id. The old
 * dialect has no Logs. Never Progress or Stop: in the old dialect they would act on a whole database.
 *
 * An engine that passes only by Logs is `limited`: it lacks operation scoping, settled requests and FAILED_RETRYABLE.
 */
export async function probe(params: {
  readonly connection: Connection;
  readonly address: string;
  readonly deadlineMs: number;
}): Promise<Verdict> {
  const { connection, address, deadlineMs } = params;
  const health = await attempt(connection.unary(CALLS.health, {}, deadlineMs), address);
  // A server that lacks even Health has no capabilities (engine contract 5.3); Logs tells what it is.
  if (health.kind === 'status' && health.error.status !== 'UNIMPLEMENTED') return unproven('Health', health.error);
  const { status, version, capabilities } = health.kind === 'answer' ? health.answer : NO_HEALTH;
  const facts = { status, version: wellFormedVersion(version), capabilities };
  if (version !== '' || capabilities.length > 0) return { kind: 'proven', health: { ...facts, dialect: 'full' } };

  const logs = await attempt(connection.unary(CALLS.logs, logsOfNobody(), deadlineMs), address);
  if (logs.kind === 'status' && !PROOFS.has(logs.error.status)) return unproven('Logs', logs.error);
  return { kind: 'proven', health: { ...facts, dialect: 'limited' } };
}

/**
 * Answers to Logs that only a server can give that knows the call. INTERNAL and INVALID_ARGUMENT come from engines that
 * want a target. A status that something between here and there may have made up proves nothing.
 */
const PROOFS: ReadonlySet<string> = new Set(['NOT_FOUND', 'INTERNAL', 'INVALID_ARGUMENT', 'FAILED_PRECONDITION']);

const NO_HEALTH = { status: '', version: '', capabilities: [] as readonly string[] };

type Attempt<Answer> =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'status'; readonly error: StatusError };

async function attempt<Answer>(call: Promise<Answer>, address: string): Promise<Attempt<Answer>> {
  try {
    return { kind: 'answer', answer: await call };
  } catch (error) {
    const status = statusOf(error, address);
    if (status === null) throw error;
    return { kind: 'status', error: status };
  }
}

function unproven(call: string, { status, text }: StatusError): Verdict {
  const reason = `dialect probe: ${call}: ${text || 'no reason given'}`;
  if (status === 'UNIMPLEMENTED') return { kind: 'unproven', type: 'DialectTooOld', reason, status };
  const denied = status === 'UNAUTHENTICATED' || status === 'PERMISSION_DENIED';
  return { kind: 'unproven', type: denied ? 'AccessDenied' : 'Unreachable', reason, status };
}

function logsOfNobody(): LogsRequest {
  const applyId = `skein-probe-${randomBytes(8).toString('hex')}`;
  return { applyId, target: '', database: '', type: '', environment: '', limit: 1 };
}

/** A version is shown to people, so what does not look like one is dropped (engine contract 5.3). */
function wellFormedVersion(version: string): string {
  return /^[A-Za-z0-9.\-+_]{1,64}$/.test(version) ? version : '';
}
