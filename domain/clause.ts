/** What a statement of a plan or of a diff comes to, part by part (design 4.5). */

/**
 * What a part is. Indexes, keys and constraints are one kind: they share their names, and a UNIQUE constraint is the index
 * of that name. `object` is the table, view, function, … as a whole; `attachment` a trigger, policy or rule of a table.
 */
export type PartKind = 'object' | 'column' | 'key' | 'attachment' | 'option';

/** Where a part belongs. An empty name is one that nobody said, and may be any. */
export interface Place {
  readonly namespace: string;
  readonly table: string;
}

export interface Part extends Place {
  /** `any`: all that is said is a name. */
  readonly kind: PartKind | 'any';
  readonly name: string;
}

export interface Clause {
  /** For people: the clause and, where it does not say so itself, its table. */
  readonly text: string;
  /** What makes two clauses of one place one. */
  readonly key: string;
  /** The objects it is about; the first one is its own. Never empty. */
  readonly places: readonly Place[];
  readonly parts: readonly Part[];
  /** `parts`: nothing but its parts. `whole`: an object as a whole. `unreadable`: perhaps more than its parts. */
  readonly reach: 'parts' | 'whole' | 'unreadable';
  /** A key that the engine has to find a name for: of its own, or as an attribute of a column. Null for none. */
  readonly unnamedKey: 'own' | 'inline' | null;
  /** What it does to its parts. */
  readonly effect: 'makes' | 'changes' | 'drops';
}
