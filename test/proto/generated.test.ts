import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { State, StopRequest, TernService, ProgressRequest, ProgressResponse } from '../../proto/gen/tern.js';

const protoFolder = path.join(import.meta.dirname, '..', '..', 'proto');
const scratch = mkdtempSync(path.join(tmpdir(), 'skein-proto-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('the committed types are what the .proto files generate', { timeout: 30_000 }, () => {
  execFileSync(process.execPath, [path.join(protoFolder, 'generate.mjs'), scratch], { stdio: 'pipe' });
  const fresh = path.join(scratch, 'gen');
  const committed = path.join(protoFolder, 'gen');
  expect(readdirSync(fresh).toSorted()).toEqual(['lookup.ts', 'tern.ts']);
  expect(readdirSync(committed).toSorted()).toEqual(['lookup.ts', 'tern.ts']);
  for (const file of readdirSync(fresh)) {
    expect(readFileSync(path.join(committed, file), 'utf8'), `proto/gen/${file}: run npm run generate`).toBe(
      readFileSync(path.join(fresh, file), 'utf8'),
    );
  }
});

test('the service has the fifteen calls of the renumbered dialect and no Volume', () => {
  const paths = Object.values(TernService).map((method) => method.path);
  expect(paths).toHaveLength(15);
  expect(paths).toContain('/tern.v1.Tern/StorageSchemaApply');
  expect(paths).not.toContain('/tern.v1.Tern/Volume');
});

test('the apply id is field 1 and the environment field 2 of what stops and reads an apply', () => {
  const bytes = [0x0a, 2, 0x61, 0x31, 0x12, 1, 0x70];
  const request = { applyId: 'a1', environment: 'p', caller: '', applyOperationId: '' };
  expect([...StopRequest.encode(request).finish()]).toEqual(bytes);
  expect([...ProgressRequest.encode(request).finish()]).toEqual(bytes);
});

test('a state that is not in the contract, and a field that is not, survive or are skipped without an error', () => {
  const state99ThenField60 = Uint8Array.from([0x10, 99, 0xe2, 0x03, 1, 0x78, 0x22, 1, 0x73]);
  const decoded = ProgressResponse.decode(state99ThenField60);
  expect(decoded.state).toBe(99);
  expect(decoded.summary).toBe('s');
  expect(Object.values(State)).not.toContain(99);
});

test('a 64-bit count arrives without loss', () => {
  const table = { rowsCopied: '9223372036854775807', rowsTotal: '9007199254740993' };
  const bytes = ProgressResponse.encode(ProgressResponse.fromPartial({ tables: [table] })).finish();
  expect(ProgressResponse.decode(bytes).tables[0]).toMatchObject(table);
});
