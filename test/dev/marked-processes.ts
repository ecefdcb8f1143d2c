import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * The processes that carry one of `marks` in their environment or command line, as `<pid> <program>`: how a test finds everything
 * that a command has started, however indirectly. Null where the system does not show it (only Linux does).
 */
export function processesMarked(marks: readonly string[]): readonly string[] | null {
  if (process.platform !== 'linux') return null;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      const text = `${read(`/proc/${name}/environ`)} ${read(`/proc/${name}/cmdline`)}`;
      return marks.some((mark) => text.includes(mark));
    })
    .map((name) => `${name} ${program(name)}`);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It has ended, or is not ours.
  }
}

function program(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return '?';
  }
}
