/** Types of corpus.mjs, which is plain JavaScript as test.mjs is. */
export interface CorpusCase {
  readonly name: string;
  readonly server: string;
  readonly standing: string;
  readonly today: string | null;
}
export function corpusSummary(corpus: {
  readonly reports: readonly CorpusCase[];
  readonly absent: readonly number[];
  readonly isWhole: boolean;
}): readonly string[];
