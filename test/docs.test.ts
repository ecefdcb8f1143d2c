import { describe, expect, it } from 'vitest';
import { listFiles, readText } from './support/repository.js';

const FILES = listFiles();
/** The contract is also about repositories of others. */
const DOCUMENTS = FILES.filter((path) => path.endsWith('.md') && path !== 'docs/engine-contract.md');

describe('the documents', () => {
  it('name files and folders that are there', () => {
    const named = DOCUMENTS.flatMap((path) =>
      [...readText(path).matchAll(/`((?:[\w-]+\/)+(?:[\w.*-]+\.\w+)?)`/g)].map((match) => ({
        path,
        name: match[1] ?? '',
      })),
    );
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter(({ name }) => !isThere(name))).toEqual([]);
  });

  it('list every invariant once, each with what enforces it and which test shows it', () => {
    const text = readText('docs/invariants.md');
    const sections = text.split(/\n## /).slice(1, 13);
    expect(sections.map((section) => section.split(' ')[0])).toEqual(
      Array.from({ length: 12 }, (_, index) => `I${index + 1}`),
    );
    for (const section of sections) {
      const [name] = section.split('\n');
      const [, enforced = '', shown = ''] = /\*\*Enforced:\*\*([\s\S]*)\*\*Shown by:\*\*([\s\S]*)/.exec(section) ?? [];
      expect(enforced, name).toMatch(/`(?:domain|workflows|activities|tern|test)\/[\w.-]+/);
      expect(shown, name).toMatch(/`test\/[\w./-]+\.test\.ts`/);
    }
  });

  it('cite no invariant that there is not, and neither does the code', () => {
    const cited = FILES.filter((path) => /\.(?:ts|md)$/.test(path)).flatMap((path) =>
      [...readText(path).matchAll(/\bI(\d{1,2})\b/g)].map((match) => ({ path, number: Number(match[1]) })),
    );
    expect(cited.length).toBeGreaterThan(20);
    expect(cited.filter(({ number }) => number < 1 || number > 12)).toEqual([]);
  });

  it('can be looked up where the code cites a section of the design or of the engine contract', () => {
    const sources = FILES.filter((path) => path.endsWith('.ts'));
    expect(missingSections(sources, /\bdesign (\d{1,2})\b/g, 'docs/design.md')).toEqual([]);
    expect(missingSections(sources, /\bengine contract (\d)\b/g, 'docs/engine-contract.md')).toEqual([]);
  });
});

/** Sections that are cited and have no heading that begins with their number. */
function missingSections(sources: readonly string[], citation: RegExp, document: string): readonly string[] {
  const text = readText(document);
  const cited = new Set(
    sources.flatMap((path) => [...readText(path).matchAll(citation)].map((match) => match[1] ?? '')),
  );
  expect(cited.size).toBeGreaterThan(1);
  return [...cited].filter((section) => !new RegExp(`^## ${section}[.A]`, 'm').test(text));
}

function isThere(name: string): boolean {
  if (name.startsWith('dist/') || name.startsWith('.')) return true; // made by the build
  if (name.endsWith('/')) return FILES.some((path) => path.startsWith(name) || path.includes(`/${name}`));
  if (name.includes('*')) return true;
  return FILES.includes(name) || name.startsWith('proto/gen');
}
