import type { Chapter } from './scenario.js';

export const RELEASE: Chapter = {
  letter: 'E',
  title: 'Pause and release',
  scenarios: [
    {
      number: 83,
      scenario: 'a release, and a second one',
      answer: 'recorded with its sender; the second is in force already and takes nothing back',
      tests: [
        'test/domain/control.test.ts > release > opens a closed policy, once',
        'test/workflows/policy.integration.test.ts > a paused rollout > waits for release, names it, and goes on with it (%s)',
      ],
    },
    {
      number: 84,
      scenario: 'a release after one that was refused',
      answer: 'judged anew: a refusal leaves nothing behind',
      tests: [
        'test/domain/control.test.ts > release > is refused while the policy is open, so that no later failure passes unnoticed',
        'test/workflows/policy.integration.test.ts > a control that is refused > (%s) says why and leaves no event',
      ],
    },
    {
      number: 85,
      scenario: 'two first releases at once',
      answer: 'one accepted, one already, one record',
      tests: [
        'test/workflows/catalogue.integration.test.ts > two releases at once > are one: the other is in force already, and one is on record',
      ],
    },
    {
      number: 86,
      scenario: 'a release when nothing is held, after the end, or during a stop',
      answer: 'refused, saying why and what to do instead',
      tests: [
        'test/domain/control.test.ts > release > is refused while the policy is open, so that no later failure passes unnoticed',
        'test/domain/control.test.ts > release > is refused after a stop or a cancel',
        'test/domain/control.test.ts > every control > is refused once all has ended, and says what begins a new run',
      ],
    },
    {
      number: 87,
      scenario: 'stop and start after a release',
      answer: 'still released',
      tests: [
        'test/workflows/policy.integration.test.ts > a closed apply > keeps a release over stop and start',
        'test/domain/carry.test.ts > start > keeps a release for the rest of the apply',
      ],
    },
    {
      number: 88,
      scenario: 'a stop instead of a release',
      answer: 'what waits ends `stopped`, the stop settles, and the apply ends `failed`',
      differs: 'later versions leave it paused; here a stop ends the run, and `start` goes on with the rest',
      tests: [
        'test/workflows/stop.integration.test.ts > stop when nothing moves > settles a paused rollout at once',
        'test/client/skein-client.integration.test.ts > stopping > a stop that ends the apply at once is answered as accepted, with what was never started',
      ],
    },
  ],
};
