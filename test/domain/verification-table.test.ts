import { describe, expect, it } from 'vitest';
import type { TableChange } from '../../domain/plan.js';
import { baselineOf, verify } from '../../domain/verification.js';
import { change } from './changes.js';

/** What a plan can do to a table, each with the same part changed by somebody else. */
const PLANNED = {
  'a new column': { plan: 'ADD COLUMN n6 int', same: 'MODIFY COLUMN n6 bigint' },
  'a changed column': { plan: 'MODIFY COLUMN n6 bigint NOT NULL', same: 'MODIFY COLUMN n6 int' },
  'a renamed column': { plan: 'CHANGE COLUMN n5 n6 int', same: 'MODIFY COLUMN n6 bigint' },
  'a column that goes': { plan: 'DROP COLUMN n6', same: 'MODIFY COLUMN n6 bigint' },
  'a new index': { plan: 'ADD UNIQUE INDEX n6_x (n6)', same: 'DROP INDEX n6_x' },
  'a new constraint': { plan: 'ADD CONSTRAINT n6_c CHECK (n6 > 0, 1)', same: 'DROP CONSTRAINT n6_c' },
  'a new primary key': { plan: 'ADD PRIMARY KEY (n6)', same: 'DROP PRIMARY KEY' },
  'a table option': { plan: "COMMENT = 'a, b'", same: "COMMENT = 'c'" },
  'a new table': { plan: 'CREATE TABLE u (n6 int, KEY n6_x (n6))', same: 'MODIFY COLUMN n6 bigint' },
} as const;

const FOREIGN = {
  'the same part': null,
  'another column': 'DROP COLUMN hand',
  'another column with commas': "ADD COLUMN `ha``nd,` enum('a,b', 'c)''') COMMENT 'x, ADD COLUMN n6 int'",
  'an index on the planned column': 'DROP INDEX hand_x',
  'a new index on the planned column': 'ADD INDEX hand_x (n6)',
  'a table option': 'ROW_FORMAT=DYNAMIC',
  nothing: '',
} as const;

const MOMENTS = ['before the plan', 'between plan and dispatch', 'during the copy', 'after it'] as const;

const cells = Object.entries(PLANNED).flatMap(([kind, { plan, same }]) =>
  Object.entries(FOREIGN).flatMap(([foreign, clause]) =>
    [true, false].flatMap((folded) =>
      MOMENTS.map((moment) => ({ kind, plan, foreign, clause: clause ?? same, folded, moment })),
    ),
  ),
);

/** A diff of these clauses: folded into one ALTER of the table, or a statement each. */
function diffOf(clauses: readonly string[], folded: boolean): readonly TableChange[] {
  const own = clauses.filter((clause) => clause.startsWith('CREATE'));
  const altering = clauses.filter((clause) => clause !== '' && !clause.startsWith('CREATE'));
  const alters = folded && altering.length > 0 ? [altering.join(', ')] : altering;
  return [...own, ...alters.map((clause) => `ALTER TABLE u ${clause}`)].map((ddl) => change(ddl));
}

/** What every party sees of one cell, and what the verification makes of it. */
function judge(cell: (typeof cells)[number], isDone: boolean) {
  const { plan, clause, folded, moment } = cell;
  const isPlanned = moment === 'before the plan';
  const planned = diffOf(isPlanned ? [clause, plan] : [plan], folded);
  const beforeDispatch = diffOf(moment === 'between plan and dispatch' ? [clause, plan] : [plan], folded);
  const left = diffOf([...(isPlanned && isDone ? [] : [clause]), ...(isDone ? [] : [plan])], folded);
  const verification = verify({ plan: planned, difference: left, baseline: baselineOf(planned, beforeDispatch) });
  const { missing, unverifiable } = verification;
  return { ...verification, isCompleted: missing.length === 0 && unverifiable.length === 0 };
}

describe('the verification of a completion', () => {
  it.each(cells)(
    'never believes that $kind is there while it is missing, beside $foreign $moment (folded: $folded)',
    (cell) => {
      const { isCompleted, missing } = judge(cell, false);
      expect(isCompleted).toBe(false);
      const bare = cell.plan.startsWith('CREATE') ? cell.plan : `${cell.plan} on u`;
      expect(missing).toContain(bare);
    },
  );

  it.each(cells.filter(({ foreign }) => /column|index|nothing/.test(foreign)))(
    'completes $kind beside $foreign $moment, and shows it (folded: $folded)',
    (cell) => {
      const { isCompleted, drift } = judge(cell, true);
      expect(isCompleted).toBe(true);
      const isShown = cell.clause !== '' && cell.moment !== 'before the plan';
      expect(drift).toEqual(isShown ? [`${cell.clause} on u`] : []);
    },
  );

  it.each(cells.filter(({ foreign, moment }) => foreign === 'the same part' && moment !== 'before the plan'))(
    'does not complete $kind when somebody changed it $moment (folded: $folded)',
    (cell) => {
      expect(judge(cell, true)).toMatchObject({ isCompleted: false, missing: [expect.any(String)] });
    },
  );

  it.each(cells.filter(({ foreign, kind }) => foreign === 'a table option' && kind !== 'a new table'))(
    'believes $kind beside $foreign only if that was there before the dispatch: $moment (folded: $folded)',
    (cell) => {
      const { isCompleted, unverifiable, drift } = judge(cell, true);
      const wasThere = cell.moment === 'before the plan' || cell.moment === 'between plan and dispatch';
      expect(isCompleted).toBe(wasThere);
      expect(unverifiable).toEqual(wasThere ? [] : ['ROW_FORMAT=DYNAMIC on u']);
      expect(drift).toEqual(cell.moment === 'between plan and dispatch' ? ['ROW_FORMAT=DYNAMIC on u'] : []);
    },
  );
});
