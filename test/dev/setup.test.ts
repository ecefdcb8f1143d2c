import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkNodeVersion, installedMatchesLock } from '../../dev/setup.mjs';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'skein-setup-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

type Packages = Readonly<Record<string, { readonly version: string; readonly optional?: boolean }>>;

async function lay(wanted: Packages, installed: Packages): Promise<void> {
  await mkdir(join(root, 'node_modules'), { recursive: true });
  for (const path of Object.keys(installed)) await mkdir(join(root, path), { recursive: true });
  await writeFile(
    join(root, 'package-lock.json'),
    JSON.stringify({ packages: { '': { version: '0.1.0' }, ...wanted } }),
  );
  await writeFile(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
}

describe('the set-up', () => {
  it.each(['20.19.0', '20.20.2', '22.0.0'])('accepts Node %s', (version) => {
    expect(() => checkNodeVersion(version)).not.toThrow();
  });

  it.each(['18.20.0', '20.18.3', '20.9.0'])('refuses Node %s, naming what is needed', (version) => {
    expect(() => checkNodeVersion(version)).toThrow(/Node 20\.19 or newer is needed, this is/);
  });

  it('does not install again what is already there', async () => {
    await lay({ 'node_modules/a': { version: '1.0.0' } }, { 'node_modules/a': { version: '1.0.0' } });
    expect(installedMatchesLock(root)).toBe(true);
  });

  it('takes the optional packages of other platforms as absent by design', async () => {
    const wanted = { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0', optional: true } };
    await lay(wanted, { 'node_modules/a': { version: '1.0.0' } });
    expect(installedMatchesLock(root)).toBe(true);
  });

  it.each([
    ['is missing', {}],
    ['has another version', { 'node_modules/a': { version: '1.0.1' } }],
  ])('installs when a package %s', async (_what, installed) => {
    await lay({ 'node_modules/a': { version: '1.0.0' } }, installed);
    expect(installedMatchesLock(root)).toBe(false);
  });

  it('installs when npm never ran here', async () => {
    await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages: {} }));
    expect(installedMatchesLock(root)).toBe(false);
  });
});
