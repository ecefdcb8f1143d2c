/** What the readers of a spec share: how a problem is reported, and how a value is shown in it. */

export type Report = (path: readonly (string | number)[], message: string) => void;

export function refuseUnknownKeys(
  raw: Readonly<Record<string, unknown>>,
  known: readonly string[],
  path: readonly (string | number)[],
  report: Report,
): void {
  for (const key of Object.keys(raw)) {
    if (!known.includes(key))
      report(
        [...path, key],
        `is not a known setting; known here: ${known.filter((name) => !name.endsWith('Ms')).join(', ')}`,
      );
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  const text = writeOut(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** YAML can name a list that contains itself, and JavaScript has values that JSON does not. */
function writeOut(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return 'a value that cannot be written out';
  }
}
