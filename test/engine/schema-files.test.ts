import { beforeAll, describe, expect, it } from 'vitest';
import { digestOfSchemaFiles, readSchemaFiles } from '../../engine/postgres/planning/schema-files.js';
import { loadParser } from '../../engine/postgres/planning/sql.js';

beforeAll(loadParser);

function problems(files: Record<string, Record<string, string>>): readonly string[] {
  const read = readSchemaFiles(files);
  return read.kind === 'problems' ? read.problems : [];
}

describe('reading the files of a desired schema', () => {
  it('gives the statements in a fixed order with their places', () => {
    const read = readSchemaFiles({
      public: {
        'b.sql': 'CREATE TABLE b (id int);',
        'a.sql': '-- first\n\nCREATE TABLE a (é text);\n  CREATE INDEX ON a (é)',
      },
      app: { 'c.sql': 'CREATE VIEW c AS SELECT 1' },
    });
    expect(
      read.kind === 'statements' &&
        read.statements.map(({ namespace, file, text, offset }) => [namespace, file, offset, text]),
    ).toEqual([
      ['app', 'c.sql', 0, 'CREATE VIEW c AS SELECT 1'],
      ['public', 'a.sql', 10, 'CREATE TABLE a (é text)'],
      ['public', 'a.sql', 37, 'CREATE INDEX ON a (é)'],
      ['public', 'b.sql', 0, 'CREATE TABLE b (id int)'],
    ]);
  });
  it('takes files without statements', () => {
    expect(problems({ public: { 'empty.sql': '', 'comment.sql': '-- nothing yet\n' } })).toEqual([]);
  });
  it('names file, line and column of every problem, not only of the first', () => {
    expect(
      problems({
        public: {
          'broken.sql': 'CREATE TABLE t (\n  é text,,\n  b text)',
          'data.sql': `CREATE TABLE d (id int);\nINSERT INTO d VALUES (1);\nDO $$ BEGIN END $$;`,
        },
      }),
    ).toEqual([
      'public/broken.sql:2:10: syntax error at or near ","',
      'public/data.sql:2:1: InsertStmt does not declare schema; only CREATE, ALTER and COMMENT statements belong here',
      'public/data.sql:3:1: DoStmt does not declare schema; only CREATE, ALTER and COMMENT statements belong here',
    ]);
  });
  it.each([
    'BEGIN',
    'DROP TABLE t',
    'GRANT SELECT ON t TO PUBLIC',
    'SET search_path = x',
    'COPY t FROM PROGRAM $$x$$',
    'SELECT pg_sleep(1)',
    'CREATE ROLE r',
    'ALTER SYSTEM SET work_mem = 1',
    'CREATE DATABASE d',
    'TRUNCATE t',
  ])('refuses %s, which would run with the rights of the engine', (statement) => {
    expect(problems({ public: { 'x.sql': statement } })).toHaveLength(1);
  });
  it('refuses namespaces that are not the user’s, and a schema without any', () => {
    expect(problems({ _skein: {}, pg_catalog: {}, information_schema: {} })).toHaveLength(3);
    expect(problems({})).toHaveLength(1);
  });
});

describe('the digest of a desired schema', () => {
  const files = { public: { 'a.sql': 'A', 'b.sql': 'B' }, app: { 'c.sql': 'C' } };
  it('does not depend on the order of maps', () => {
    const turned = { app: { 'c.sql': 'C' }, public: { 'b.sql': 'B', 'a.sql': 'A' } };
    expect(digestOfSchemaFiles(turned, '18')).toBe(digestOfSchemaFiles(files, '18'));
  });
  it('differs for other content, another place of it, or another server', () => {
    const digests = [
      digestOfSchemaFiles(files, '18'),
      digestOfSchemaFiles(files, '17'),
      digestOfSchemaFiles({ ...files, app: {} }, '18'),
      digestOfSchemaFiles({ public: { 'a.sql': 'A' }, app: { 'b.sql': 'B', 'c.sql': 'C' } }, '18'),
      digestOfSchemaFiles({ public: { 'a.sql': 'AB', 'b.sql': '' }, app: { 'c.sql': 'C' } }, '18'),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });
});
