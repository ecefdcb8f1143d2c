/** Types of setup.mjs, which is plain JavaScript because it runs before there is a compiler. */
export interface SetUpOptions {
  readonly root: string;
  readonly build?: boolean;
  readonly say?: (text: string) => void;
}
export const repositoryRoot: string;
export function setUp(options: SetUpOptions): Promise<readonly ('packages' | 'build')[]>;
export function checkNodeVersion(version: string): void;
export function installedMatchesLock(root: string): boolean;
export function needsBuild(root: string): boolean;
