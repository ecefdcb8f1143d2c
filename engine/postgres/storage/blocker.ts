/** A database session that keeps another from its lock. */
export interface Blocker {
  readonly pid: number;
  readonly application: string;
  /** Such as `idle in transaction`. */
  readonly state: string;
  /** Its current or last query, cut to 200 characters. */
  readonly query: string;
  /** How long its transaction has been open, in seconds. */
  readonly openSeconds: number;
}
