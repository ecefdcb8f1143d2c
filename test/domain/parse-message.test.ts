import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONTROLS } from '../../domain/apply.js';
import { NAME_PATTERN } from '../../domain/ids.js';
import {
  TEXT_LENGTH_MAX,
  UNREADABLE,
  parseControl,
  parseGiveUp,
  parseHaltReason,
  parseReport,
} from '../../domain/parse-message.js';
import { OPERATION_STATE, OPERATION_STATES } from '../../domain/state.js';
import { JUNK } from '../support/junk.js';

const REPORT = {
  deployment: 'eu',
  attempt: 0,
  state: 'waiting_for_cutover',
  remoteApplyId: 'apply-1',
  refused: { control: 'cutover', message: 'not now' },
};

/** What JSON can hold, more often than by chance under the names of our own fields. */
const value = fc.jsonValue({ maxDepth: 3 });
const field = fc.oneof(
  value,
  fc.constantFrom('eu', 'running', 'operator', 'cutover', 0, -1, 1.5, null, true, '\ud800'),
);
const message = fc.oneof(
  value,
  fc.record(
    Object.fromEntries(
      ['by', 'reason', 'deployment', 'deployments', 'attempt', 'state', 'remoteApplyId', 'refused', 'wave', 'all'].map(
        (key) => [key, field],
      ),
    ),
    { requiredKeys: [] },
  ),
  fc.constantFrom(...Object.values(JUNK), undefined, new Uint8Array([1, 2])),
);

function texts(read: unknown): readonly string[] {
  if (typeof read === 'string') return [read];
  return typeof read === 'object' && read !== null ? Object.values(read).flatMap(texts) : [];
}

function expectBounded(read: unknown): void {
  for (const text of texts(read)) {
    expect(text.length).toBeLessThanOrEqual(TEXT_LENGTH_MAX);
    expect(text).not.toMatch(/\p{Surrogate}/u);
  }
}

describe('the door', { timeout: 60_000 }, () => {
  it('gives a typed message or nothing for whatever arrives, and the same for what it gave', () => {
    fc.assert(
      fc.property(message, fc.constantFrom(...CONTROLS), (sent, name) => {
        const control = parseControl(name, sent);
        expect(control.request.name).toBe(name);
        expectBounded(control);
        expect(parseControl(name, { ...control.request, by: control.by })).toEqual(control);
        expect(['operator', 'skip', 'policy', 'deadline']).toContain(parseHaltReason(sent));
        const report = parseReport(sent);
        expectBounded(report);
        if (report !== null) expect(parseReport(report)).toEqual(report);
        const giveUp = parseGiveUp(sent);
        expectBounded(giveUp);
        if (giveUp !== null) expect(parseGiveUp(giveUp)).toEqual(giveUp);
      }),
      { numRuns: 300 },
    );
  });

  it('lets a report in as it was sent', () => {
    expect(parseReport(REPORT)).toEqual(REPORT);
    expect(parseReport({ ...REPORT, refused: null, remoteApplyId: null, more: 1 })).toEqual({
      ...REPORT,
      refused: null,
      remoteApplyId: null,
    });
  });

  it('lets no report in of which any one field is missing or of another type', () => {
    for (const key of Object.keys(REPORT))
      for (const wrong of [undefined, 5.5, -1, Number.NaN, true, [], {}, ['eu'], '']) {
        if (key === 'deployment' && wrong === '') continue; // a text, which is the name of no deployment
        expect(parseReport({ ...REPORT, [key]: wrong }), `${key}: ${JSON.stringify(wrong)}`).toBeNull();
      }
    for (const refused of [{ control: 'stop', message: '' }, { control: 'cutover' }, { message: 'no' }, 'cutover'])
      expect(parseReport({ ...REPORT, refused })).toBeNull();
  });

  it('believes a report of every state that is live, and of no other', () => {
    for (const state of OPERATION_STATES) {
      const isLive = state !== 'pending' && !OPERATION_STATE[state].ended;
      expect(parseReport({ ...REPORT, state })?.state, state).toBe(isLive ? state : undefined);
    }
  });

  it('takes a halt for an operator who halts, unless it says what the rollout can say', () => {
    for (const reason of ['operator', 'skip', 'policy', 'deadline']) expect(parseHaltReason({ reason })).toBe(reason);
    for (const sent of [undefined, null, 'skip', ['skip'], { reason: 'engine' }, { reason: ['skip'] }, UNREADABLE])
      expect(parseHaltReason(sent)).toBe('operator');
  });

  it('lets nobody give an operation up without saying why, or in the name of a thing', () => {
    expect(parseGiveUp({ by: 'bob', reason: 'lost' })).toEqual({ by: 'bob', reason: 'lost' });
    expect(parseGiveUp({ by: null, reason: 'lost' })).toEqual({ by: null, reason: 'lost' });
    expect(parseGiveUp({ by: ' ', reason: 'lost' })).toEqual({ by: null, reason: 'lost' });
    for (const sent of [undefined, null, 5, 'lost', ['lost'], {}, UNREADABLE, { by: { a: 1 } }, { by: 'bob' }])
      expect(parseGiveUp(sent)).toBeNull();
    for (const reason of ['', ' \n', 5, null, ['lost'], {}]) expect(parseGiveUp({ by: 'bob', reason })).toBeNull();
    for (const by of [undefined, 5, {}, ['bob'], true]) expect(parseGiveUp({ by, reason: 'lost' })).toBeNull();
  });

  it('never reads a control that names something as one that names nothing', () => {
    const narrow = ['eu', 5, { eu: true }, ['eu'], [null], [['eu']], ['eu'.repeat(1_000)]];
    for (const name of CONTROLS.filter((one) => one !== 'stop')) {
      for (const deployments of narrow) {
        const named = parseControl(name, { deployments }).request.deployments;
        expect(named, `${name} ${JSON.stringify(deployments)}`).toHaveLength(1);
        const isName = Array.isArray(deployments) && deployments[0] === 'eu';
        expect(NAME_PATTERN.test(named[0] ?? '')).toBe(isName);
      }
      expect(parseControl(name, UNREADABLE).request.deployments).toEqual([expect.stringContaining('(')]);
      for (const key of ['environment', 'wave'] as const) {
        expect(parseControl(name, { [key]: 7 }).request[key]).toBe('(7)');
        expect(parseControl(name, { [key]: null }).request[key]).toBeNull();
      }
    }
  });

  it('reads every stop of which it cannot tell more as one of the whole apply', () => {
    const whole = { deployments: [], wave: null, environment: null };
    for (const sent of [undefined, null, 5, 'eu', [], {}, UNREADABLE, { deployments: 5, environment: 7, wave: {} }])
      expect(parseControl('stop', sent).request).toMatchObject(whole);
    expect(parseControl('stop', { environment: 'test' }).request.environment).toBe('test');
  });
});
