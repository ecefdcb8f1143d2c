import { DatabaseError, type Client } from 'pg';
import { parse } from 'libpg-query';
import type { Files } from '../engine/raw-client.js';

/**
 * Makes, in a transaction, the database that the files alone describe. Files may come in any order, so what fails is tried again after the
 * others, until a round gets nowhere. Throws with what is left then.
 */
export async function loadFiles(client: Client, files: Files): Promise<void> {
  await client.query('SET check_function_bodies = off');
  for (const namespace of Object.keys(files)) {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${client.escapeIdentifier(namespace)}`);
  }
  let waiting = await statementsOf(files);
  while (waiting.length > 0) {
    const failed: { readonly statement: Statement; readonly reason: string }[] = [];
    for (const statement of waiting) {
      const reason = await run(client, statement);
      if (reason !== null) failed.push({ statement, reason });
    }
    if (failed.length === waiting.length) {
      throw new Error(failed.map(({ statement, reason }) => `${statement.text}: ${reason}`).join('\n'));
    }
    waiting = failed.map(({ statement }) => statement);
  }
}

interface Statement {
  readonly namespace: string;
  readonly text: string;
}

async function statementsOf(files: Files): Promise<readonly Statement[]> {
  const statements: Statement[] = [];
  for (const [namespace, inside] of Object.entries(files)) {
    for (const text of Object.values(inside)) {
      // The parser counts bytes.
      const bytes = Buffer.from(text);
      const { stmts = [] } = await parse(text);
      for (const { stmt_location: start = 0, stmt_len: length } of stmts) {
        const end = length === undefined ? bytes.length : start + length;
        statements.push({ namespace, text: bytes.subarray(start, end).toString().trim() });
      }
    }
  }
  return statements;
}

/** Null when it ran, else why it did not. */
async function run(client: Client, { namespace, text }: Statement): Promise<string | null> {
  await client.query('SAVEPOINT statement');
  try {
    await client.query(`SET search_path = ${client.escapeIdentifier(namespace)}, public`);
    await client.query(text);
    return null;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    await client.query('ROLLBACK TO statement');
    return error.message;
  }
}
