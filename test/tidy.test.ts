import { describe, expect, it } from 'vitest';
import { importsOf, isSource, listFiles, packageOf, readText, resolveImport } from './support/repository.js';

/** Rules of the repository that no compiler knows. Each message says what to do instead. */

const FILES = listFiles();
const SOURCES = FILES.filter(isSource);
/** Recordings are what others said, the lock file is made by npm, and the licence is the foundation's text. */
const RECORDED = /^(?:test\/tern\/transcripts|test\/replay\/histories)\/|^package-lock\.json$|^LICENSE$/;
const TEXTS = FILES.filter((path) => /\.(?:ts|mts|mjs|md|json|ya?ml|proto|sql)$|^LICENSE$|^\.[a-z]/.test(path)).filter(
  (path) => !RECORDED.test(path),
);
const THIS_FILE = 'test/tidy.test.ts';

/** Reading every file takes two seconds on an idle machine, and many times that on a busy one. */
const LIMIT = { timeout: 60_000 };

const LINES_MAX = { product: 310, test: 600 } as const;

/** Files that may be longer, each with the reason why splitting it would make it worse. */
const LONGER: Readonly<Record<string, string>> = {};

/** Every line of the given texts that matches, as `path:line`. */
function linesWith(pattern: RegExp, paths: readonly string[]): readonly string[] {
  return paths
    .filter((path) => path !== THIS_FILE)
    .flatMap((path) =>
      readText(path)
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
}

describe('every file', () => {
  it('is there to be read', () => {
    expect(SOURCES.length).toBeGreaterThan(100);
    expect(TEXTS.length).toBeGreaterThan(SOURCES.length);
  });

  it('fits its reader: split what is too long by its nouns, or name it with the reason', () => {
    const tooLong = SOURCES.filter((path) => {
      const lines = readText(path).split('\n').length - 1;
      return lines > (path.startsWith('test/') ? LINES_MAX.test : LINES_MAX.product);
    });
    expect(new Set(tooLong)).toEqual(new Set(Object.keys(LONGER)));
  });

  it('holds no reminder: do it, or open an issue', () => {
    expect(linesWith(/\b(?:TODO|FIXME|XXX|HACK)\b/, TEXTS)).toEqual([]);
  });

  it('says "schema change"', () => {
    expect(linesWith(/migrat(?:e|ion|ing)/i, TEXTS)).toEqual([]);
  });

  it('speaks of the product, not of who wrote it or where', () => {
    expect(linesWith(/\b(?:agents?|assistants?|language model)\b/i, TEXTS)).toEqual([]);
    expect(linesWith(/(?:^|[\s"'`(=:])\/(?:work|home(?!\/ann\b)|root|Users)\/\w/, TEXTS)).toEqual([]);
    expect(linesWith(/[A-Z]:\\\\?Users\\/, TEXTS)).toEqual([]);
  });

  it('names no host but those that a reader is sent to; packages come by the clients of their registries', () => {
    const hosts = TEXTS.filter((path) => path !== THIS_FILE).flatMap((path) =>
      [...readText(path).matchAll(/\bhttps?:\/\/([\w.-]*\w)/g)].map((match) => `${path}: ${match[1]}`),
    );
    const known =
      /: (?:127\.0\.0\.1|localhost|github\.com|docs\.temporal\.io|www\.apache\.org|www\.postgresql\.org|[\w.-]*\.example)$/;
    expect(hosts.filter((host) => !known.test(host))).toEqual([]);
    expect([...readText('package-lock.json').matchAll(/"resolved": "([^"]*)"/g)].map((match) => match[1])).toEqual([]);
  });

  it('lets no rule be switched off without a comment that says why', () => {
    const switched = /oxlint-disable|eslint-disable|biome-ignore|@ts-expect-error|@ts-ignore|@ts-nocheck/;
    const without = SOURCES.filter((path) => path !== THIS_FILE).flatMap((path) => {
      const lines = readText(path).split('\n');
      return lines.flatMap((line, index) => {
        const isExplained = /(?:--|:) \w/.test(line) || /(?:\/\/|\*\/|^\s*\*)/.test(lines[index - 1] ?? '');
        return switched.test(line) && !isExplained ? [`${path}:${index + 1}`] : [];
      });
    });
    expect(without).toEqual([]);
  });
});

describe('the tests', () => {
  it('run in full: none is singled out, and none is left out without a condition', () => {
    const tests = SOURCES.filter((path) => path.startsWith('test/'));
    expect(linesWith(/\b(?:it|test|describe|suite)(?:\.concurrent)?\.(?:only|skip|todo|fails)\b/, tests)).toEqual([]);
  });

  it('wait for conditions, never for a time; what looks again and again may pause for less than a tenth of a second', () => {
    const tests = SOURCES.filter((path) => path.endsWith('.test.ts'));
    expect(linesWith(/\bawait (?:sleep|delay|setTimeout)\([\d_]{3,}/, tests)).toEqual([]);
  });
});

/** Where a program or a library begins, so that no import leads to it. */
const ENTRIES = [/\.test\.ts$/, /\.d\.m?ts$/, /^client\/index\.ts$/, /^examples\//];

describe('every source file', () => {
  it('is imported or started by another, or is where a program begins; delete what nobody uses', LIMIT, () => {
    const imported = new Set(
      SOURCES.flatMap((path) => importsOf(path).flatMap(({ specifier }) => resolveImport(path, specifier) ?? [])),
    );
    const others = SOURCES.filter((path) => !imported.has(path) && !ENTRIES.some((entry) => entry.test(path)));
    const unused = others.filter((path) => {
      const name = path.replace(/^.*\//, '').replace(/\.\w+$/, '');
      const started = new RegExp(`\\b${name}\\.(?:m?js|ts)\\b`); // by its path, from a script or another program
      return !TEXTS.some((other) => other !== path && started.test(readText(other)));
    });
    expect(others.length).toBeGreaterThan(0);
    expect(unused).toEqual([]);
  });
});

/** Used without an import; each with what uses it. */
const USED_WITHOUT_IMPORT: Readonly<Record<string, string>> = {
  '@biomejs/biome': 'the formatter, run by dev/test.mjs',
  '@bufbuild/buf': 'compiles proto/, run by proto/generate.mjs',
  '@types/node': 'types of Node',
  '@types/pg': 'types of pg',
  oxlint: 'the linter, run by dev/test.mjs',
  'oxlint-tsgolint': 'the half of the linter that knows types; oxlint loads it',
  'ts-proto': 'writes proto/gen, named in proto/buf.gen.yaml',
  typescript: 'the compiler, run by dev/setup.mjs and dev/test.mjs',
};

describe('every dependency', () => {
  const manifest: unknown = JSON.parse(readText('package.json'));
  const declared = ['dependencies', 'devDependencies'].flatMap((kind) => Object.entries(entriesOf(manifest, kind)));
  const sources = [...SOURCES, ...listGenerated()];
  const imported = new Set(sources.flatMap((path) => importsOf(path).map(({ specifier }) => packageOf(specifier))));

  it('is used: remove what nothing imports, or say here what uses it', () => {
    const names = declared.map(([name]) => name);
    const unused = names.filter((name) => !imported.has(name));
    expect(new Set(unused)).toEqual(new Set(Object.keys(USED_WITHOUT_IMPORT)));
  });

  it('that is imported is declared, so that no other package has to bring it', () => {
    const names = new Set(['node', 'skein', ...declared.map(([name]) => name)]);
    expect([...imported].filter((name) => !name.startsWith('.') && !names.has(name))).toEqual([]);
  });

  it('has one exact version, so that a clone of today is a clone of next year', () => {
    expect(declared.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(String(version)))).toEqual([]);
  });
});

function entriesOf(manifest: unknown, kind: string): object {
  if (typeof manifest !== 'object' || manifest === null || !(kind in manifest)) throw new Error(`no ${kind}`);
  return Object(Reflect.get(manifest, kind));
}

function listGenerated(): readonly string[] {
  return ['proto/gen/tern.ts', 'proto/gen/lookup.ts'];
}

describe('every link of the documents', () => {
  it('leads to a file that is there', () => {
    const documents = FILES.filter((path) => path.endsWith('.md'));
    const links = documents.flatMap((path) =>
      [...readText(path).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => ({ path, link: match[1] ?? '' })),
    );
    const missing = links.filter(({ path, link }) => {
      if (/^https?:/.test(link)) return false;
      const target = resolveImport(path, link.startsWith('.') ? link : `./${link}`) ?? link;
      return !FILES.some((file) => file === target || file.startsWith(`${target.replace(/\/$/, '')}/`));
    });
    expect(missing).toEqual([]);
  });
});
