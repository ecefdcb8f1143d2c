import type { Chapter } from './scenario.js';

export const START: Chapter = {
  letter: 'D',
  title: 'Start, and going on',
  scenarios: [
    {
      number: 69,
      scenario: 'two starts of one stopped apply at once',
      answer: 'one begins the new run, the other is refused',
      tests: [
        'test/client/skein-client.integration.test.ts > stopping > of two starts at once after a stop, one begins the new run and the other is refused',
      ],
    },
    {
      number: 70,
      scenario: '`start` of a paused apply',
      answer: 'refused, naming release and stop',
      tests: ['test/domain/control.test.ts > start > is refused while the apply runs, and says what goes on with it'],
    },
    {
      number: 71,
      scenario: '`start` in any other state',
      answer:
        'running, stopping and cancelling are told apart; of an ended one it is refused when nothing is resumable, and says what can be retried',
      tests: [
        'test/domain/control.test.ts > start > is refused while the apply runs, and says what goes on with it',
        'test/domain/carry.test.ts > start > is refused when nothing is resumable, and names what can be retried',
      ],
    },
    {
      number: 72,
      scenario: '`start` while a stop is under way',
      answer: 'refused until it has ended',
      tests: [
        'test/domain/control.test.ts > start > is refused while the apply runs, and says what goes on with it',
        'test/client/skein-client.integration.test.ts > stopping > of two starts at once after a stop, one begins the new run and the other is refused',
      ],
    },
    {
      number: 73,
      scenario: 'the engine refuses the Start, or errors',
      answer:
        'refused: the operation ends `failed` with the engine’s words; only errors: tried again for ten minutes, then unconfirmed',
      differs: 'an operation that cannot go on is a failure that the policy must see; `retry` attempts it anew',
      tests: [
        'test/activities/controls.test.ts > start > that is refused says so with the ids',
        'test/activities/controls.test.ts > errors of a live engine > end a start as unconfirmed, and so does an answer that breaks the contract: it may be going on',
      ],
    },
    {
      number: 74,
      scenario: 'Start was accepted, and the engine still says stopped',
      answer: 'not believed for 30 s; after that it is `stopped` (`engine`), a setback',
      tests: [
        'test/workflows/truth.integration.test.ts > after a Start > stopped is believed once the grace has passed',
        'test/workflows/truth.integration.test.ts > after a Start > stale samples that still say stopped are not believed',
      ],
    },
    {
      number: 75,
      scenario: 'the remote apply runs already',
      answer: 'no Start is sent; it is followed',
      tests: [
        'test/activities/controls.test.ts > start > asks first: what is %s gets %j',
        'test/workflows/policy.integration.test.ts > a closed apply > is started again: remote ids kept, asked before Start, resumed ones first, completed ones untouched',
      ],
    },
    {
      number: 76,
      scenario: 'the remote apply is gone, or the engine calls it no active change',
      answer: 'never started anew by itself: `failed`, and it never reads `completed`',
      tests: [
        'test/activities/controls.test.ts > start > asks first: what is %s gets %j',
        'test/workflows/truth.integration.test.ts > a remote apply that its engine does not know any more > fails unconfirmed and never completes (%s dialect)',
        'test/workflows/truth.integration.test.ts > a remote apply that its engine does not know any more > fails unconfirmed when the engine calls it no active change',
      ],
    },
    {
      number: 77,
      scenario: 'the look before the Start gets no answer',
      answer: 'no Start is sent; looked again',
      tests: [
        'test/activities/controls.test.ts > start > whose first look gets no answer sends nothing, and looks again',
      ],
    },
    {
      number: 78,
      scenario: 'progress after a start',
      answer: 'the engine’s own counts go on; the operation leaves `stopped` with the new run',
      tests: [
        'test/engine/conformance.ts > engine conformance: ${name} > control > E41 E43 E46 stops, resumes once however often it is asked, and shows both as settled',
        'test/stack/stop.integration.test.ts > stop, on real databases > while running stops the build on its engine and leaves nothing behind; start finishes it',
      ],
    },
    {
      number: 79,
      scenario: 'a start of several operations',
      answer: 'is a new run: done when it has begun, on record behind the controls before it',
      replacedBy: 'a run of the same id instead of a pending request',
      tests: [
        'test/domain/carry.test.ts > start > puts itself on record behind the controls of earlier runs, and carries when the apply began',
      ],
    },
    {
      number: 80,
      scenario: 'the remote apply was taken over by another',
      answer: 'the operation ends `failed` in the engine’s words, and nothing runs twice',
      tests: [
        'test/workflows/catalogue.integration.test.ts > a stopped apply whose target another one took > and whose work that one took over ends failed where it was, in the words of the engine, and is not run twice',
        'test/engine/conformance.ts > engine conformance: ${name} > control > E43 does not start what another apply has taken over',
      ],
    },
    {
      number: 81,
      scenario: 'the engine retries by itself when it is to be started',
      answer: 'no Start is sent; it is followed',
      tests: ['test/activities/controls.test.ts > start > asks first: what is %s gets %j'],
    },
    {
      number: 82,
      scenario: 'a second start',
      answer: 'refused: the apply runs already',
      differs: 'a start names a new run, and a second one would be another',
      tests: [
        'test/client/skein-client.integration.test.ts > stopping > of two starts at once after a stop, one begins the new run and the other is refused',
        'test/domain/control.test.ts > start > is refused while the apply runs, and says what goes on with it',
      ],
    },
  ],
};
