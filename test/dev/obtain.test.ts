import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotObtainable, obtain, type ProgramSource, type Route, sha256Of } from '../../dev/obtain.js';

let cache: string;
let lines: string[];
const report = (line: string) => void lines.push(line);

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'skein-obtain-'));
  lines = [];
});
afterEach(() => rm(cache, { recursive: true, force: true }));

/** A route that delivers these bytes and counts how often it was asked. */
function delivering(content: string, trusted: readonly string[] = []): Route & { asked: number } {
  const route = {
    name: `delivery of ${content}`,
    trusted,
    asked: 0,
    fetch: async (folder: string) => {
      route.asked += 1;
      const path = join(folder, 'delivered');
      await writeFile(path, content);
      return path;
    },
  };
  return route;
}

const closed: Route = {
  name: 'closed road',
  trusted: [],
  fetch: () => Promise.reject(new Error('no network here')),
};

function source(...routes: readonly Route[]): ProgramSource {
  return { program: 'tool', version: '1.0', routes };
}

async function notOld(path: string): Promise<void> {
  if ((await readFile(path, 'utf8')) === 'old') throw new Error('too old');
}

/** Of the text `good`. */
const SHA256_OF_GOOD = '770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c';

describe('obtaining a program', () => {
  it('takes the first route that works and says which one', async () => {
    const path = await obtain(source(closed, delivering('good')), cache, report);
    expect(await readFile(path, 'utf8')).toBe('good');
    expect(lines.at(-1)).toMatch(/got it by delivery of good/);
  });

  it('fetches once and uses the cache from then on, without a word', async () => {
    const route = delivering('good');
    const first = await obtain(source(route), cache, report);
    lines = [];
    expect(await obtain(source(route), cache, report)).toBe(first);
    expect(route.asked).toBe(1);
    expect(lines).toEqual([]);
  });

  it('fetches once when several ask at the same time', async () => {
    const route = delivering('good');
    const paths = await Promise.all([1, 2, 3, 4].map(() => obtain(source(route), cache, report)));
    expect(new Set(paths).size).toBe(1);
    expect(route.asked).toBe(1);
  });

  it('accepts only what the route is trusted for, and never installs anything else', async () => {
    const wrong = delivering('evil', [SHA256_OF_GOOD]);
    await expect(obtain(source(wrong), cache, report)).rejects.toThrow(/not 770e6076.*it was not run/);
    expect(await readdir(join(cache, 'programs'))).toEqual([]);
    const right = delivering('good', [SHA256_OF_GOOD]);
    expect(await sha256Of(await obtain(source(right), cache, report))).toBe(SHA256_OF_GOOD);
  });

  it('fetches again when the cached file is no longer what was delivered', async () => {
    const route = delivering('good');
    const path = await obtain(source(route), cache, report);
    await writeFile(path, 'changed behind our back');
    lines = [];
    const again = await obtain(source(route), cache, report);
    expect(await readFile(again, 'utf8')).toBe('good');
    expect(route.asked).toBe(2);
    expect(lines[0]).toMatch(/has SHA-256 .*fetching it again/);
  });

  it('does not trust a record that was changed together with the file, where the hash is known beforehand', async () => {
    const route = delivering('good', [SHA256_OF_GOOD]);
    const path = await obtain(source(route), cache, report);
    await writeFile(path, 'evil');
    await writeFile(
      join(path, '..', 'record.json'),
      JSON.stringify({ sha256: await sha256Of(path), route: route.name }),
    );
    expect(await readFile(await obtain(source(route), cache, report), 'utf8')).toBe('good');
  });

  it('names every route and its reason when none works', async () => {
    const failure = await obtain(source(closed, { ...closed, name: 'other road' }), cache, report).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(NotObtainable);
    expect(failure).toHaveProperty('reasons', ['closed road: no network here', 'other road: no network here']);
  });

  it('goes on to the next route when a program is not accepted', async () => {
    const old = delivering('old');
    const path = await obtain({ ...source(old, delivering('good')), accept: notOld }, cache, report);
    expect(await readFile(path, 'utf8')).toBe('good');
  });

  it('leaves nothing but the program in the cache, and ignores what a crash left there', async () => {
    await mkdir(join(cache, 'programs', '.fetching-1-x'), { recursive: true });
    await obtain(source(closed, delivering('good')), cache, report);
    const left = await readdir(join(cache, 'programs'));
    expect(left.filter((name) => name !== '.fetching-1-x')).toEqual([`tool-1.0-${process.platform}-${process.arch}`]);
  });
});
