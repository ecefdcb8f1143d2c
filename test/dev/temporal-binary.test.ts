import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findOnPath, isAtLeast, obtainTemporal, serverVersion } from '../../dev/temporal-binary.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-temporal-'));
  vi.stubEnv('TEMPORAL_CLI_PATH', undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** A `temporal` that knows only its version. */
async function fakeProgram(server: string): Promise<string> {
  const path = join(folder, 'temporal');
  await writeFile(path, `#!/bin/sh\necho "temporal version 1.9.1 (Server ${server}, UI 2.54.1)"\n`);
  await chmod(path, 0o755);
  return path;
}

const unexpected = (line: string) => {
  throw new Error(`nothing should be fetched: ${line}`);
};

describe('the server version of a temporal program', () => {
  it.each([
    ['temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)', '1.32.0'],
    ['temporal version 0.0.0-DEV (Server 1.27.2, UI 2.37.1)', '1.27.2'],
    ['temporal version 1.9.1', null],
    ['', null],
  ])('reads %j as %j', (line, version) => {
    expect(serverVersion(line)).toBe(version);
  });

  it.each([
    ['1.32.0', true],
    ['1.32.1', true],
    ['1.100.0', true],
    ['2.0.0', true],
    ['1.31.9', false],
    ['1.4.0', false],
    ['0.99.0', false],
  ])('%s is new enough: %s', (version, expected) => {
    expect(isAtLeast(version, '1.32.0')).toBe(expected);
  });
});

describe.skipIf(process.platform === 'win32')('finding the Temporal server', () => {
  it('uses the program that TEMPORAL_CLI_PATH names', async () => {
    const path = await fakeProgram('1.33.0');
    vi.stubEnv('TEMPORAL_CLI_PATH', path);
    expect(await obtainTemporal(unexpected)).toBe(path);
  });

  it('refuses a named program that is too old, saying both versions', async () => {
    vi.stubEnv('TEMPORAL_CLI_PATH', await fakeProgram('1.31.2'));
    await expect(obtainTemporal(unexpected)).rejects.toThrow(/TEMPORAL_CLI_PATH.*1\.31\.2.*1\.32\.0/);
  });

  it('refuses a named program that is not there', async () => {
    vi.stubEnv('TEMPORAL_CLI_PATH', join(folder, 'nothing'));
    await expect(obtainTemporal(unexpected)).rejects.toThrow(/nothing could not be run/);
  });

  it('uses one on the PATH that is new enough', async () => {
    const path = await fakeProgram('1.32.0');
    vi.stubEnv('PATH', `${folder}:${process.env.PATH ?? ''}`);
    expect(findOnPath('temporal')).toBe(path);
    expect(await obtainTemporal(unexpected)).toBe(path);
  });
});
