import type { Chapter } from './scenario.js';

export const DERIVATION: Chapter = {
  letter: 'B',
  title: 'What state an apply is in',
  scenarios: [
    {
      number: 34,
      scenario: '`pause`, and the failed one was the last',
      answer: 'nothing is held, so it is not paused: it ends `failed`',
      tests: [
        'test/domain/derive.test.ts > the derived state > is paused only while something is held: a setback in the last operation leaves it running, degraded',
        'test/domain/derive.test.ts > the derived state and what an apply waits for > follow the written rules for up to two operations in every state, under every policy and control',
      ],
    },
    {
      number: 35,
      scenario: 'one row halts, another pauses',
      answer: 'there is one policy for the whole apply',
      differs: 'onFailure is frozen into the apply, so no two can meet',
      tests: [
        'test/domain/derive.test.ts > the derived state and what an apply waits for > follow the written rules for up to two operations in every state, under every policy and control',
      ],
    },
    {
      number: 36,
      scenario: 'a row says both continue and pause',
      answer: 'cannot be said; what is no known value acts as halt',
      tests: ['test/domain/spec.test.ts > a frozen policy > acts as halt on a value that is none of ours'],
    },
    {
      number: 37,
      scenario: 'no row pauses',
      answer: 'the state is computed from what the apply knows; there is nothing to read',
      replacedBy: 'derivation is a pure function (I5)',
      tests: [
        'test/architecture.test.ts > the domain > reads no clock and draws no lots, so that every decision can be repeated',
        'test/domain/derive.exhaustive.test.ts > the derived state and what an apply waits for > do not depend on the order of the operations (I5)',
      ],
    },
    {
      number: 38,
      scenario: 'a closing step is still pending',
      answer: 'an apply settles when every operation has ended, and never before',
      replacedBy: 'an operation is all there is to wait for (I3)',
      tests: ['test/domain/rollout.test.ts > a decision > settles exactly when every operation has ended'],
    },
    {
      number: 39,
      scenario: 'two writers of the parent meet',
      answer: 'there is one',
      replacedBy: 'the apply’s workflow is the only writer of its state, and its history replays (I10)',
      tests: [
        'test/replay/replay.exhaustive.test.ts > the recorded histories > are replayed by the workflows as they are now (else: npm run record, or patched once they are released)',
      ],
    },
    {
      number: 40,
      scenario: 'the parent ended and a child says otherwise',
      answer:
        'within a run an end is final, and it comes only once every operation has ended; a new run begins with `start` or `retry`',
      differs: 'an apply that goes on after a failure has not ended, so nothing is ever reopened',
      tests: [
        'test/domain/derive.test.ts > the derived state > is an end exactly when every operation has ended, and then nothing is waited for (I3)',
        'test/workflows/stop.integration.test.ts > stop while running > after the end reaches nobody, and the result stays as it is',
      ],
    },
    {
      number: 41,
      scenario: 'several failed; which message stands',
      answer: 'that of the first failed one in rollout order that has one, with its deployment',
      tests: [
        'test/domain/status.test.ts > the status of a running apply > names the first failed operation in rollout order that has a message',
        'test/workflows/stop.integration.test.ts > stop under onFailure continue > starts nothing more, keeps the first failure as the message, and settles',
      ],
    },
    {
      number: 42,
      scenario: 'a projection that changes nothing',
      answer: 'nothing is projected',
      replacedBy: 'the state is derived whenever it is asked for',
      tests: [
        'test/domain/derive.exhaustive.test.ts > the derived state and what an apply waits for > do not depend on the order of the operations (I5)',
      ],
    },
    {
      number: 43,
      scenario: 'times over stop and start',
      answer: '`startedAt` is that of the first send for ever; `completedAt` is null only in `stopped`',
      tests: [
        'test/workflows/policy.integration.test.ts > a closed apply > is started again: remote ids kept, asked before Start, resumed ones first, completed ones untouched',
        'test/domain/carry.test.ts > start > goes on with what was stopped: same attempt, same remote apply, started as it was',
        'test/workflows/policy.integration.test.ts > failures under each policy > %s',
      ],
    },
    {
      number: 44,
      scenario: 'siblings complete at the same moment',
      answer: 'one result, with each deployment once',
      replacedBy: 'a run ends once (I4)',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > an apply of many deployments > reserves 120 targets in batches and completes, one execution each',
        'test/domain/carry.test.ts > every resumption > of every closed apply of up to four operations leaves completed work alone, and keeps order and number (I4)',
      ],
    },
    {
      number: 45,
      scenario: 'one failed while the apply still runs',
      answer: 'its own workflow has failed by then, and the status shows it',
      tests: [
        'test/workflows/policy.integration.test.ts > failures under each policy > halt lets what is in flight finish',
      ],
    },
    {
      number: 46,
      scenario: 'one completed, the next pending',
      answer: 'never `pending` once anything was started',
      differs: 'the reference walks backwards here',
      tests: [
        'test/domain/derive.test.ts > the derived state > reads pending only while nothing was started',
        'test/domain/derive.test.ts > the derived state and what an apply waits for > follow the written rules for up to two operations in every state, under every policy and control',
      ],
    },
    {
      number: 47,
      scenario: 'a state that nobody knows',
      answer: 'of an engine: `running`, with its number as phase, and it blocks; in a heartbeat: not believed',
      tests: [
        'test/workflows/truth.integration.test.ts > states that are no end > a state that is in no contract is running, visible by its number, and blocks',
        'test/client/describe-operations.test.ts > a state that is not in our list is not believed',
      ],
    },
  ],
};
