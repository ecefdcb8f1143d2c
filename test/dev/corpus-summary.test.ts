import { describe, expect, it } from 'vitest';
import { corpusSummary } from '../../dev/corpus.mjs';

const on18 = (name: string, standing: string, today: string | null = null) => ({
  name,
  server: 'PostgreSQL 18',
  standing,
  today,
});

describe('what is said of the corpus', () => {
  it('counts what is right, and lists by name what is not mended, and where', () => {
    const reports = [
      on18('good', 'right'),
      on18('bad', 'not yet', 'loses rows'),
      { ...on18('bad', 'not yet', 'loses rows'), server: 'PostgreSQL 15' },
      on18('new', 'not yet', 'fails'),
      { ...on18('new', 'right'), server: 'PostgreSQL 15' },
    ];
    expect(corpusSummary({ reports, absent: [14, 16], isWhole: true })).toEqual([
      'Corpus: 1 of 3 cases are right on PostgreSQL 18, 1 of 2 cases are right on PostgreSQL 15.',
      'Not found on this machine: PostgreSQL 14, 16.',
      'Not mended yet (2), by name:',
      '  bad: loses rows',
      '  new (PostgreSQL 18): fails',
    ]);
  });

  it('says that older servers ran a part, and nothing of what there is nothing of', () => {
    const reports = [on18('good', 'right'), { ...on18('good', 'right'), server: 'PostgreSQL 17' }];
    expect(corpusSummary({ reports, absent: [], isWhole: false })).toEqual([
      'Corpus: 1 of 1 cases are right on PostgreSQL 18, 1 of 1 cases are right on PostgreSQL 17.',
      'Older servers run a part of the cases each; npm run corpus runs all.',
    ]);
  });
});
