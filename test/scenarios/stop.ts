import type { Chapter } from './scenario.js';

export const STOP: Chapter = {
  letter: 'C',
  title: 'Stop',
  scenarios: [
    {
      number: 48,
      scenario: '`continue`, the first failed, then a stop',
      answer:
        'what runs is stopped, nothing else starts, the stop settles, and the apply ends `failed` with the first failure; the rest can be started again',
      differs: 'later versions hold the apply open; here the verdict is given and what was stopped stays resumable',
      tests: [
        'test/workflows/stop.integration.test.ts > stop under onFailure continue > starts nothing more, keeps the first failure as the message, and settles',
        'test/stack/stop.integration.test.ts > stop, on real databases > under continue: the first failed, nothing else starts, the parent fails with its message, and the stop has settled',
      ],
    },
    {
      number: 49,
      scenario: 'the stop comes in the middle of an admission',
      answer: 'nothing is admitted',
      tests: [
        'test/workflows/stop-interleavings.test.ts > a stop and the children of an apply > in the same activation as an admission admits nothing',
        'test/workflows/stop-interleavings.test.ts > a stop and the children of an apply > in the activation that answers the starts admits nothing',
      ],
    },
    {
      number: 50,
      scenario: 'a stop while an operation has lost its worker or its engine',
      answer: 'recorded at once, delivered when somebody can, `stopping` until then',
      tests: [
        'test/workflows/stop.integration.test.ts > what the engine says outranks the stop > an unreachable engine keeps the apply stopping until it answers again',
        'test/workflows/stop.integration.test.ts > stop when nothing moves > with no worker alive is recorded, and takes effect when one starts',
        'test/stack/stop.integration.test.ts > stop, on real databases > survives a worker that is killed after the Stop call and before its reply',
      ],
    },
    {
      number: 51,
      scenario: 'a stop of a paused rollout',
      answer: 'settled at once, without a call',
      tests: ['test/workflows/stop.integration.test.ts > stop when nothing moves > settles a paused rollout at once'],
    },
    {
      number: 52,
      scenario: 'a stop before anything was admitted',
      answer: 'no operation is started, no engine called',
      tests: [
        'test/workflows/stop.integration.test.ts > stop before anything runs > delivered before the first workflow task starts no child and calls no engine',
        'test/workflows/stop-interleavings.test.ts > a stop and the children of an apply > before the children exist starts none of them',
        'test/workflows/stop.integration.test.ts > stop before anything runs > by the update is answered with what was not started',
      ],
    },
    {
      number: 53,
      scenario: 'reconciling a stop while something is active',
      answer:
        'there is nothing to reconcile: the apply reads `stopping` until each dispatched remote apply has confirmed',
      replacedBy: 'the stop is in the apply’s own history',
      tests: [
        'test/workflows/stop.integration.test.ts > stop while running > never reads stopped while a dispatched remote has not confirmed',
      ],
    },
    {
      number: 54,
      scenario: 'admitted and not yet dispatched, with a dispatched sibling',
      answer: 'it ends `stopped` alone, and the stop stays in force for the sibling',
      tests: [
        'test/workflows/stop.integration.test.ts > stop while running > an operation that is admitted and not dispatched ends alone; the stop stays in force for its dispatched sibling',
      ],
    },
    {
      number: 55,
      scenario: 'admitted and not yet dispatched, alone',
      answer: '`stopped` without a call, whatever the engine',
      differs: 'what was never sent can be started again on every engine, so it is never `cancelled`',
      tests: [
        'test/workflows/stop.integration.test.ts > stop around the dispatch > after the admission, while the engine is never reached, ends stopped without a call',
        'test/workflows/stop-interleavings.test.ts > a stop and the dispatch of an operation > together with the admission, %s, schedules nothing',
      ],
    },
    {
      number: 56,
      scenario: 'one dispatched operation stopped, others not yet',
      answer: 'the stop is in force until all have',
      tests: [
        'test/workflows/stop.integration.test.ts > stop while running > never reads stopped while a dispatched remote has not confirmed',
        'test/workflows/stop.integration.test.ts > stop while running > an operation that is admitted and not dispatched ends alone; the stop stays in force for its dispatched sibling',
      ],
    },
    {
      number: 57,
      scenario: 'Stop errors, and the remote apply has ended',
      answer: 'its end is taken over, and the stop is done',
      tests: [
        'test/workflows/stop.integration.test.ts > what the engine says outranks the stop > a Stop that errors on a remote that has ended is done',
      ],
    },
    {
      number: 58,
      scenario: 'Stop errors, and the remote apply runs',
      answer: 'sent again until the engine reports an end, and the status says how often',
      tests: [
        'test/activities/controls.test.ts > a control > that errors is reconciled by reading the state',
        'test/activities/controls.test.ts > a control > is sent again after a while, and shows how often it was',
      ],
    },
    {
      number: 59,
      scenario: 'the engine refuses to stop',
      answer: 'shown in its words; it finishes, and nothing else starts',
      tests: [
        'test/workflows/stop.integration.test.ts > what the engine says outranks the stop > a remote that cannot stop is shown as such, finishes, and nothing else starts',
        'test/activities/controls.test.ts > a control > that is refused shows the words of the engine, and is tried again',
      ],
    },
    {
      number: 60,
      scenario: 'the engine’s own storage fails during a stop',
      answer: 'an error is no answer: the stop stays in force and is sent again',
      tests: [
        'test/activities/controls.test.ts > a control > that errors is reconciled by reading the state',
        'test/workflows/stop.integration.test.ts > what the engine says outranks the stop > an unreachable engine keeps the apply stopping until it answers again',
      ],
    },
    {
      number: 61,
      scenario: 'some operations had ended before the stop',
      answer: 'they stay byte for byte; a stop completes nothing',
      tests: [
        'test/workflows/stop.integration.test.ts > stop while running > stops the remote apply by its own id and leaves an ended operation byte-identical',
      ],
    },
    {
      number: 62,
      scenario: 'a second stop',
      answer: 'in force already, and changes nothing',
      differs: 'the record names who stopped it; a repeat is answered and not recorded',
      tests: [
        'test/workflows/stop.integration.test.ts > stop while running > sent twice is in force already and changes nothing',
      ],
    },
    {
      number: 63,
      scenario: 'a stop of an apply that has ended',
      answer: 'its purpose is met: `already`, and the result stays as it is',
      differs: 'a stop is idempotent also over the end (I7), so a script need not look first',
      tests: [
        'test/workflows/stop.integration.test.ts > stop while running > after the end reaches nobody, and the result stays as it is',
        'test/client/skein-client.integration.test.ts > stopping > a stop that ends the apply at once is answered as accepted, with what was never started',
      ],
    },
    {
      number: 64,
      scenario: 'a stop and a start race',
      answer: '`start` is refused until the stop has ended; it then begins the next run, and nothing is stranded',
      tests: [
        'test/domain/control.test.ts > start > is refused while the apply runs, and says what goes on with it',
        'test/client/skein-client.integration.test.ts > stopping > of two starts at once after a stop, one begins the new run and the other is refused',
      ],
    },
    {
      number: 65,
      scenario: 'two in flight, one has stopped',
      answer: '`stopping`, never `stopped`, until both have',
      differs: 'the reference ends the apply with the first',
      tests: [
        'test/workflows/stop.integration.test.ts > stop while running > never reads stopped while a dispatched remote has not confirmed',
        'test/domain/derive.test.ts > the derived state > is an end exactly when every operation has ended, and then nothing is waited for (I3)',
      ],
    },
    {
      number: 66,
      scenario: 'a stop in a revert window or during a revert',
      answer: 'accepted: nothing more starts; the live change comes to its own end, and the apply settles then',
      differs: 'the stop is for the whole apply, and no engine can stop what is live',
      tests: [
        'test/domain/rollout-order.test.ts > a stop > leaves alone a change that is live: its revert window and its revert come to their own end',
        'test/workflows/revert.integration.test.ts > a stop or a cancel in a revert window > does not reach a revert by hand either, although it came before the window',
      ],
    },
    {
      number: 67,
      scenario: 'a stop while one is parked behind the barrier',
      answer: 'it is stopped on its engine and not cut over afterwards',
      tests: [
        'test/domain/rollout-order.test.ts > whose turn it is to cut over > is nobody’s any more once a stop is in force: what is parked is stopped on its engine',
        'test/workflows/cutover-ends.integration.test.ts > a stop > while parked wins over a cutover that comes later, which is never sent',
      ],
    },
    {
      number: 68,
      scenario: 'a stop on an engine that only knows cancel',
      answer:
        'accepted and recorded: nothing else starts; that engine’s refusal is shown, and it finishes or is cancelled',
      differs: 'a stop has to hold the rest back even where one engine cannot stop',
      tests: [
        'test/workflows/stop.integration.test.ts > what the engine says outranks the stop > a remote that cannot stop is shown as such, finishes, and nothing else starts',
      ],
    },
  ],
};
