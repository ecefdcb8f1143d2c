import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT_CODES } from '../../client/cli/exit-code.js';
import { FAILURES } from '../../domain/failure.js';
import { FAILURE_OF_STATUS } from '../../tern/status.js';
import { type Blocks, code, table } from './markdown.js';

const RETRY = { never: 'never', bounded: 'for some minutes', forever: 'until there is an answer' } as const;

/** For docs/failures.md: what can go wrong, in the words of the source, and how a gRPC status is read. */
export function failureBlocks(root: string): Blocks {
  const meanings = readMeanings(readFileSync(join(root, 'domain/failure.ts'), 'utf8'));
  return {
    failures: table(
      ['Type', 'Meaning', 'Repeated', 'May have happened'],
      Object.entries(FAILURES).map(([type, facts]) => [
        code(type),
        meanings.get(type) ?? missing(type),
        RETRY[facts.retry],
        facts.mayHaveHappened ? 'yes' : '',
      ]),
    ),
    'grpc-statuses': table(
      ['gRPC status', 'Health, Plan, PlanDiff, FindApply', 'Progress, Logs', 'Apply', 'every control'],
      Object.entries(FAILURE_OF_STATUS).map(([status, { query, observe, apply, control }]) => [
        code(status),
        query,
        observe,
        apply,
        control,
      ]),
    ),
    'exit-codes': table(
      ['Exit code', 'Meaning'],
      Object.entries(EXIT_CODES).map(([exitCode, meaning]) => [exitCode, meaning]),
    ),
  };
}

/** The comment above each row of the list is its meaning; it is written once. */
function readMeanings(source: string): ReadonlyMap<string, string> {
  return new Map(
    [...source.matchAll(/\/\*\* ([^\n]*?) \*\/\n {2}(\w+): \{ retry/g)].map(([, meaning = '', type = '']) => [
      type,
      meaning,
    ]),
  );
}

function missing(type: string): never {
  throw new Error(`domain/failure.ts: ${type} has no comment of one line above it`);
}
