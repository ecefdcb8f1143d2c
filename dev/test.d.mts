/** Types of test.mjs, which is plain JavaScript because it runs the compiler. */
export interface RunnerRecord {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}
export function countResults(record: RunnerRecord): {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
};
