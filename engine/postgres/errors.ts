import { type CallFailure, unavailable } from '../errors.js';

/** SQLSTATE of a database error, or null for anything else, such as a broken connection. */
export function sqlState(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null;
}

/** Name of the unique constraint or index that an insert violated, or null when the error is another one. */
export function violatedUnique(error: unknown): string | null {
  if (sqlState(error) !== '23505' || typeof error !== 'object' || error === null) return null;
  return 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : '';
}

/** Errors of the operating system and of the driver that mean "the connection is gone" and carry no SQLSTATE. */
const CONNECTION_TEXTS =
  /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|timeout expired/;

/** SQLSTATEs of a server that is starting, stopping or out of connections. */
const CONNECTION_STATES: ReadonlySet<string> = new Set([
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '08000',
  '08003',
  '08006',
  '08001',
  '08004',
]);

/** Whether an error says that the database did not answer, rather than that it said no. */
export function isConnectionLoss(error: unknown): boolean {
  const state = sqlState(error);
  // A driver's code such as EPIPE has five letters too; only digits make a SQLSTATE class.
  if (state !== null && /^\d/.test(state)) return CONNECTION_STATES.has(state);
  if (error instanceof AggregateError) return error.errors.some(isConnectionLoss);
  return (
    error instanceof Error && CONNECTION_TEXTS.test(`${error.message} ${'code' in error ? String(error.code) : ''}`)
  );
}

/** That a database does not answer is UNAVAILABLE, and no "no". */
export function silentDatabase(target: string, error: unknown): CallFailure {
  return unavailable(`target ${target}: its database does not answer: ${databaseText(error)}`, error);
}

/** The text of a database error for people: message and detail. */
export function databaseText(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(databaseText).join('; ');
  if (!(error instanceof Error)) return String(error);
  const detail = 'detail' in error && typeof error.detail === 'string' ? `: ${error.detail}` : '';
  return `${error.message}${detail}`;
}
