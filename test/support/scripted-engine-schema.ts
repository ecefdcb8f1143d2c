import { ChangeType, type TableChange } from '../../proto/gen/tern.js';

/** What a scripted target holds: the definition of every object by its kind and name, such as `table orders`. */
export type LiveSchema = Map<string, string>;

/** One difference, and what the live schema says about its object once it is applied; null: nothing, it is dropped. */
export interface ScriptedChange {
  readonly key: string;
  readonly definition: string | null;
  /** Why this change fails when it is run; empty: it does not. */
  readonly fails: string;
  readonly change: TableChange;
}

export interface ScriptedDifference {
  readonly changes: readonly ScriptedChange[];
  readonly errors: readonly string[];
}

type Files = Readonly<Record<string, { readonly files: Readonly<Record<string, string>> }>>;

const CREATE =
  /^create\s+(?:or\s+replace\s+)?(unique\s+)?(table|index|view)\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?([\w."`]+)(?:\s+on\s+([\w."`]+))?/i;
const OTHER = /^(alter|drop|comment|grant|set)\b/i;

/**
 * The difference between desired and live, in the order of the files. A toy planner, yet a declarative one: what is
 * missing is created, what is different is altered, a table that is not desired any more is dropped. The directives
 * `-- unsafe: reason` and `-- blocked: reason` before a statement mark it, and `-- fails: reason` makes it fail when run.
 */
export function diffSchema(live: LiveSchema, desired: Files): ScriptedDifference {
  const changes: ScriptedChange[] = [];
  const errors: string[] = [];
  const seen = new Set<string>();
  const namespaces = Object.keys(desired);
  for (const [namespace, { files }] of Object.entries(desired)) {
    for (const [file, content] of Object.entries(files)) {
      for (const statement of statementsOf(content)) {
        const parsed = parse(statement.sql);
        if (parsed === null) {
          errors.push(`${namespace}/${file}: syntax error at or near "${statement.sql.split(/\s/)[0]}"`);
          continue;
        }
        seen.add(parsed.key);
        if (live.get(parsed.key) === statement.sql) continue;
        changes.push(changeFor({ ...parsed, ...statement, namespace, exists: live.has(parsed.key) }));
      }
    }
  }
  for (const key of live.keys()) {
    if (key.startsWith('table ') && !seen.has(key)) changes.push(dropOf(key, namespaces[0] ?? ''));
  }
  const foreign = [...live.keys()].filter((key) => key.startsWith(FOREIGN));
  const all = [...foreign.map((key) => foreignOf(key, namespaces[0] ?? '')), ...changes];
  return { changes: errors.length > 0 ? [] : all, errors };
}

/** Before the statement that would undo what somebody did by hand. */
const FOREIGN = 'foreign ';

/** Somebody changes the target by hand, so that every diff from now on holds this statement, until it is carried out. */
export function changeByHand(live: LiveSchema, ddl: string): void {
  live.set(`${FOREIGN}${ddl}`, ddl);
}

function foreignOf(key: string, namespace: string): ScriptedChange {
  const sql = key.slice(FOREIGN.length);
  const own = { sql, unsafe: '', blocked: '', fails: '', namespace, exists: true, kind: 'other' };
  return { ...changeFor({ ...own, key, table: parse(sql)?.table ?? '' }), definition: null };
}

const ALTER_TABLE = /^(alter\s+table\s+(?:only\s+)?\S+)\s+([\s\S]*)$/i;

/** As some planes say it: all that is to be altered in one table is one statement, at the place of the first. */
export function foldAlters(changes: readonly TableChange[]): readonly TableChange[] {
  const folded = new Map<string, TableChange>();
  for (const change of changes) {
    const [, head = '', clauses = ''] = ALTER_TABLE.exec(change.ddl) ?? [];
    const key = head === '' ? `${folded.size} ${change.ddl}` : `${change.namespace} ${head.toLowerCase()}`;
    const before = folded.get(key);
    const unsafe = before?.isUnsafe === true ? before : change;
    const ddl = before === undefined ? change.ddl : `${before.ddl}, ${clauses}`;
    folded.set(key, { ...(before ?? change), ddl, isUnsafe: unsafe.isUnsafe, unsafeReason: unsafe.unsafeReason });
  }
  return [...folded.values()];
}

/** What a live schema looks like that was made from these files. */
export function liveSchemaOf(statements: readonly string[]): LiveSchema {
  return new Map(
    statements.flatMap((content) => statementsOf(content)).map(({ sql }) => [parse(sql)?.key ?? sql, sql] as const),
  );
}

interface Statement {
  readonly sql: string;
  readonly unsafe: string;
  readonly blocked: string;
  readonly fails: string;
}

function statementsOf(content: string): readonly Statement[] {
  return content
    .split(';')
    .map((part) => {
      const lines = part.split('\n').map((line) => line.trim());
      const directive = (name: string): string =>
        lines
          .find((line) => line.startsWith(`-- ${name}:`))
          ?.slice(name.length + 4)
          .trim() ?? '';
      const sql = lines
        .filter((line) => !line.startsWith('--'))
        .join(' ')
        .replace(/\s+/g, ' ')
        .trim();
      return { sql, unsafe: directive('unsafe'), blocked: directive('blocked'), fails: directive('fails') };
    })
    .filter(({ sql }) => sql !== '');
}

function parse(sql: string): { readonly key: string; readonly table: string; readonly kind: string } | null {
  const created = CREATE.exec(sql);
  if (created !== null) {
    const [, , kind = '', name = '', on] = created;
    return { key: `${kind.toLowerCase()} ${bare(name)}`, table: bare(on ?? name), kind: kind.toLowerCase() };
  }
  if (!OTHER.test(sql)) return null;
  const table = /\btable\s+(?:if\s+exists\s+)?([\w."`]+)/i.exec(sql)?.[1] ?? '';
  return { key: sql, table: bare(table), kind: 'other' };
}

function changeFor(
  statement: Statement & {
    readonly key: string;
    readonly table: string;
    readonly kind: string;
    readonly namespace: string;
    readonly exists: boolean;
  },
): ScriptedChange {
  const { key, table, kind, sql, unsafe, blocked, fails, namespace, exists } = statement;
  const alters = kind === 'other' || exists;
  const dropsSomething = /\bdrop\b/i.test(sql) && kind === 'other';
  const unsafeReason = unsafe || (dropsSomething ? 'it drops something' : '');
  return {
    key,
    definition: sql,
    fails,
    change: fullChange({
      namespace,
      tableName: table,
      ddl: exists && kind !== 'other' ? `ALTER ${key.toUpperCase()} TO ${sql}` : sql,
      changeType: alters ? ChangeType.CHANGE_TYPE_ALTER : CREATED[kind],
      isUnsafe: unsafeReason !== '',
      unsafeReason,
      executionMode: blocked === '' ? '' : 'blocked',
      modeReason: blocked,
    }),
  };
}

const CREATED: Readonly<Record<string, ChangeType>> = {
  table: ChangeType.CHANGE_TYPE_CREATE,
  index: ChangeType.CHANGE_TYPE_CREATE_INDEX,
  view: ChangeType.CHANGE_TYPE_CREATE_VIEW,
};

function dropOf(key: string, namespace: string): ScriptedChange {
  const tableName = key.slice('table '.length);
  const change = fullChange({
    namespace,
    tableName,
    ddl: `DROP TABLE ${tableName}`,
    changeType: ChangeType.CHANGE_TYPE_DROP,
    isUnsafe: true,
    unsafeReason: 'it drops the table',
  });
  return { key, definition: null, fails: '', change };
}

function fullChange(
  change: {
    readonly [Field in keyof TableChange]?: TableChange[Field] | undefined;
  },
): TableChange {
  return {
    tableName: '',
    ddl: '',
    changeType: change.changeType ?? ChangeType.CHANGE_TYPE_OTHER,
    namespace: '',
    isUnsafe: false,
    unsafeReason: '',
    executionMode: '',
    modeReason: '',
    metadata: {},
    shardCount: 0,
    collationChanges: [],
    ...Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)),
  };
}

function bare(name: string): string {
  return name.replace(/["`]/g, '');
}
