import type { Chapter } from './scenario.js';

export const CUTOVER: Chapter = {
  letter: 'F',
  title: 'Cutover',
  scenarios: [
    {
      number: 89,
      scenario: 'behind a barrier all are parked',
      answer: 'cut over one at a time in rollout order, never two at once',
      tests: [
        'test/domain/rollout-order.test.ts > whose turn it is to cut over > behind a barrier is nobody until all of the wave are parked or passed, then one after the other',
        'test/domain/rollout-order.test.ts > whose turn it is to cut over > in order is the first that is parked, one at a time, and only when all before it have passed',
        'test/workflows/cutover.integration.test.ts > a deferred cutover > barrier: none before all of the wave are parked, then one at a time in rollout order',
      ],
    },
    {
      number: 90,
      scenario: 'the one before is in its revert window',
      answer: 'it has passed for the order: the next may cut over',
      differs:
        'a window may be open for a day, and holding the others back would leave them half done for as long; a next wave does wait for it',
      tests: [
        'test/domain/rollout-order.test.ts > whose turn it is to cut over > is that of the next while the one before is in its revert window',
        'test/workflows/revert.integration.test.ts > a revert window > has passed for %s: those behind it cut over meanwhile',
      ],
    },
    {
      number: 91,
      scenario: 'the one before failed',
      answer: 'halt and pause hold every cutover that nobody asked for; continue, and a release, let the next pass',
      tests: [
        'test/domain/rollout-order.test.ts > whose turn it is to cut over > after a failure is nobody’s under halt and pause, and that of the next under continue and once released',
        'test/domain/control-cutover.test.ts > cutover > past a failure is a person’s decision once the policy is closed',
        'test/workflows/policy.integration.test.ts > an engine that parks although nobody asked > is not permitted while the policy is closed: it waits for a person',
      ],
    },
    {
      number: 92,
      scenario: '`cutover: manual`',
      answer: 'nothing is permitted until a person asks',
      tests: [
        'test/domain/rollout-order.test.ts > whose turn it is to cut over > under manual is nobody’s until a person asks',
        'test/workflows/cutover.integration.test.ts > a deferred cutover > manual: waits for `cutover`, says so, and does it for those that it names',
      ],
    },
    {
      number: 93,
      scenario: 'who holds what while an operation is parked',
      answer: 'no worker slot and no history; a look at most 45 s apart',
      replacedBy: 'a look is an activity that ends between two looks',
      tests: [
        'test/activities/parked.test.ts > a watch until %s > holds no slot for an engine that does not answer either, and says since when it does not',
        'test/activities/parked.test.ts > a watch until %s > with a pollInterval of %j ms looks again after %d ms, without a slot',
      ],
    },
    {
      number: 94,
      scenario: 'a barrier whose first member has completed',
      answer: 'has passed: the next goes as soon as it is its turn',
      tests: [
        'test/domain/rollout-order.test.ts > whose turn it is to cut over > behind a barrier is nobody until all of the wave are parked or passed, then one after the other',
        'test/workflows/cutover.integration.test.ts > a deferred cutover > barrier: none before all of the wave are parked, then one at a time in rollout order',
      ],
    },
    {
      number: 95,
      scenario: 'what the engine says right before a Cutover',
      answer: 'sent only to what is parked; past it or ended, no second one; not there yet, waited for without a call',
      tests: [
        'test/activities/controls.test.ts > cutover > is only sent to what is parked: %s gets %j',
        'test/activities/controls.test.ts > cutover > waits for what is not parked any more and not beyond either, because some engines would hold it',
      ],
    },
    {
      number: 96,
      scenario: 'a stop comes after the permission and before the Cutover',
      answer: 'the stop wins, and no Cutover is sent',
      tests: [
        'test/domain/rollout-order.test.ts > whose turn it is to cut over > is nobody’s any more once a stop is in force: what is parked is stopped on its engine',
        'test/workflows/cutover-ends.integration.test.ts > a stop > and a cutover in one moment: the stop wins',
      ],
    },
    {
      number: 97,
      scenario: 'a cutover while the engine recovers, and a second one',
      answer: 'refused while nothing is parked; of one on its way: already',
      tests: [
        'test/domain/control-cutover.test.ts > cutover > is refused while nothing is parked, because some engines hold an early one and fire it later',
        'test/domain/control-cutover.test.ts > cutover > twice, or of one that is past it, is in force already',
      ],
    },
    {
      number: 98,
      scenario: 'the engine refuses the Cutover, or it fails',
      answer:
        'the permission is withdrawn, the engine’s words are shown, and it stays parked until a person asks again',
      tests: [
        'test/workflows/policy.integration.test.ts > an engine that parks although nobody asked > and refuses the cutover waits for a person, shows the engine’s words, and is ended by a stop',
        'test/activities/parked.test.ts > a request that the engine accepted and then settled as failed > is news to a watch until %s of what is %s: %s gives %s',
      ],
    },
    {
      number: 99,
      scenario: 'a cutover out of turn',
      answer: 'refused, naming the one ahead',
      tests: ['test/domain/control-cutover.test.ts > cutover > before its turn is refused and names the one ahead'],
    },
    {
      number: 100,
      scenario: 'whom a cutover is for',
      answer: 'those it names, or those whose turn it is; the next needs another',
      tests: [
        'test/domain/control-cutover.test.ts > cutover > without a name is for those whose turn it is, and the next one needs another',
      ],
    },
    {
      number: 101,
      scenario: 'a rolling or manual rollout',
      answer: 'has no turns',
      tests: [
        'test/domain/control-cutover.test.ts > cutover > has no turns in a rolling or a manual rollout',
        'test/domain/rollout-order.test.ts > whose turn it is to cut over > in a rolling rollout is everybody’s at once',
      ],
    },
    {
      number: 102,
      scenario: 'an operation is lost while it cuts over',
      answer: 'found by its key and followed where it is; a permission that had not arrived is given anew',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > a lost operation > that was terminated while it was parked with a permission is permitted anew',
        'test/activities/controls.test.ts > cutover > is only sent to what is parked: %s gets %j',
      ],
    },
  ],
};
