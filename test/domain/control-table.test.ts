import { describe, expect, it } from 'vitest';
import type { Admission, ControlRequest, ControlSituation } from '../../domain/admission.js';
import type { Control } from '../../domain/apply.js';
import { admitControl } from '../../domain/control.js';
import type { ControlFacts } from '../../domain/derive.js';
import type { OperationFacts } from '../../domain/operation.js';
import type { RolloutPolicy } from '../../domain/spec.js';
import { NO_CONTROLS, STARTED, operation, policy } from './builders.js';

/**
 * Every control that names a deployment, in every state of that deployment, written out by hand: `+` accepted, `=` in
 * force or done already, `-` refused. The columns are those of `COLUMNS`, in their order.
 */
const TABLE = {
  pending: '- - + + + - -',
  admitted: '- - + - + - -',
  dispatching: '- - + - + - -',
  running: '- - + - + - -',
  'asked to be cancelled': '- - = - + - -',
  'retried by its engine': '- - + - + - -',
  parked: '+ - + - + - -',
  'parked, its cutover asked for': '= - + - + - -',
  'parked, with a permission': '= - + - + - -',
  'parked, after its engine refused': '+ - + - + - -',
  'cutting over': '= - + - + - -',
  'in its revert window': '= - - - + + +',
  'being reverted': '= - - - + = -',
  completed: '= - - - - - =',
  failed: '- + - + + - -',
  'failed and skipped': '- + - = = - -',
  reverted: '- + - - - = -',
  'stopped here': '- - + - - - -',
  'stopped by someone else': '- + + - - - -',
  'cancelled here': '- - = - - - -',
  'cancelled by someone else': '- + = - - - -',
} as const;

type Situation = keyof typeof TABLE;

const SENT = { admitted: true, started: true } as const;

const FACTS: Readonly<Record<Situation, Partial<OperationFacts>>> = {
  pending: { state: 'pending' },
  admitted: { state: 'pending', admitted: true },
  dispatching: { state: 'dispatching', ...SENT },
  running: { state: 'running', ...SENT },
  'asked to be cancelled': { state: 'running', ...SENT, cancelAsked: true },
  'retried by its engine': { state: 'failed_retryable', ...SENT },
  parked: { state: 'waiting_for_cutover', ...SENT },
  'parked, its cutover asked for': { state: 'waiting_for_cutover', ...SENT, cutoverAsked: true },
  'parked, with a permission': { state: 'waiting_for_cutover', ...SENT, permitted: true },
  'parked, after its engine refused': { state: 'waiting_for_cutover', ...SENT, cutoverRefused: true },
  'cutting over': { state: 'cutting_over', ...SENT, permitted: true },
  'in its revert window': { state: 'revert_window', ...SENT },
  'being reverted': { state: 'reverting', ...SENT },
  completed: { state: 'completed', ...SENT },
  failed: { state: 'failed', ...SENT },
  'failed and skipped': { state: 'failed', ...SENT, skipped: true },
  reverted: { state: 'reverted', ...SENT },
  'stopped here': { state: 'stopped', ...SENT, reason: 'operator' },
  'stopped by someone else': { state: 'stopped', ...SENT, reason: 'engine' },
  'cancelled here': { state: 'cancelled', ...SENT, reason: 'operator' },
  'cancelled by someone else': { state: 'cancelled', ...SENT, reason: 'engine' },
};

const COLUMNS: readonly { readonly name: Control; readonly unconfirmed?: boolean }[] = [
  { name: 'cutover' },
  { name: 'retry' },
  { name: 'cancel' },
  { name: 'skip' },
  { name: 'skip', unconfirmed: true },
  { name: 'revert' },
  { name: 'skip-revert' },
];

const MARK = { accepted: '+', already: '=', refused: '-' } as const satisfies Record<Admission['kind'], string>;
const SITUATIONS = Object.keys(TABLE) as Situation[]; // the keys of a literal

/** Each control named for `eu`, which is in this situation while `us` still goes on. */
function marksOf(
  eu: Situation,
  given: {
    readonly rules: RolloutPolicy;
    readonly others?: readonly OperationFacts[];
    readonly controls?: ControlFacts;
  },
): string {
  const about: ControlSituation = {
    apply: 'orders-7f3a',
    environment: 'production',
    policy: given.rules,
    operations: [operation({ ...FACTS[eu] }), RUNNING, ...(given.others ?? [])],
    waves: STARTED,
    controls: given.controls ?? NO_CONTROLS,
  };
  return COLUMNS.map(({ name, unconfirmed = false }) => {
    const request: ControlRequest = {
      name,
      deployments: ['eu'],
      all: false,
      wave: null,
      unconfirmed,
      reason: 'why',
      environment: null,
    };
    const admission = admitControl(request, about);
    if (admission.kind === 'accepted') expect(admission.deployments).toEqual(['eu']);
    return MARK[admission.kind];
  }).join(' ');
}

const RUNNING = operation({ deployment: 'us', state: 'running', ...SENT });
const FAILED = operation({ deployment: 'ap', state: 'failed', ...SENT });

/** The same row with some columns refused, or in force already. */
function but(row: string, columns: readonly Control[], mark: '-' | '='): string {
  const marks = row.split(' ');
  return COLUMNS.map(({ name }, index) => (columns.includes(name) ? mark : marks[index])).join(' ');
}

describe('a control that names a deployment', () => {
  it.each(SITUATIONS)('that is %s, while the policy is open', (situation) => {
    for (const onFailure of ['halt', 'pause', 'continue'] as const)
      expect(marksOf(situation, { rules: policy(onFailure, 9, 9, { cutover: 'manual' }) }), onFailure).toBe(
        TABLE[situation],
      );
  });

  it.each(SITUATIONS)('that is %s, under a policy closed by pause', (situation) => {
    for (const cutover of ['rolling', 'ordered', 'barrier', 'manual'] as const)
      expect(marksOf(situation, { rules: policy('pause', 0, 9, { cutover }), others: [FAILED] }), cutover).toBe(
        TABLE[situation],
      );
  });

  it.each(SITUATIONS)(
    'that is %s, under a policy closed by halt: others keep it closed against a retry',
    (situation) => {
      for (const cutover of ['rolling', 'ordered', 'barrier', 'manual'] as const)
        expect(marksOf(situation, { rules: policy('halt', 0, 9, { cutover }), others: [FAILED] }), cutover).toBe(
          but(TABLE[situation], ['retry'], '-'),
        );
    },
  );

  it.each(SITUATIONS)(
    'that is %s, while a stop or a cancel is in force: nothing goes forward any more',
    (situation) => {
      const rules = policy('halt', 9, 9, { cutover: 'manual' });
      const stopped = but(TABLE[situation], ['cutover', 'retry'], '-');
      expect(marksOf(situation, { rules, controls: { ...NO_CONTROLS, stop: true } })).toBe(stopped);
      expect(marksOf(situation, { rules, controls: { ...NO_CONTROLS, cancel: true } })).toBe(
        but(stopped, ['cancel'], '='),
      );
    },
  );
});
