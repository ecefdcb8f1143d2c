import type { Chapter } from './scenario.js';

export const ADMISSION: Chapter = {
  letter: 'A',
  title: 'Who goes, and in what order',
  scenarios: [
    {
      number: 1,
      scenario: 'the first of two deployments runs, width 1',
      answer: 'the second waits',
      tests: [
        'test/domain/rollout-order.test.ts > who goes next > is nobody while one is on its way, whatever the cutover: the width is one unless the spec says more',
        'test/workflows/rollout.integration.test.ts > an uneventful apply > rolls out in the order of the list, one at a time by default',
      ],
    },
    {
      number: 2,
      scenario: 'the first has completed',
      answer: 'the second is admitted',
      tests: [
        'test/domain/rollout-order.test.ts > who goes next > is the next in the list once the one before has completed',
      ],
    },
    {
      number: 3,
      scenario: 'rolling, and the first parked all the same',
      answer: 'the second is admitted, and the first is permitted to cut over at once',
      differs: 'a parked operation does no copying, so it holds no place within the width',
      tests: [
        'test/domain/rollout-order.test.ts > who goes next > is the next in the list once the one before parks, cuts over or is in its revert window, whatever the cutover',
        'test/workflows/policy.integration.test.ts > an engine that parks although nobody asked > is permitted at once under a rolling cutover',
      ],
    },
    {
      number: 4,
      scenario: 'barrier; the first is parked, cutting over or in its revert window',
      answer: 'the second may copy',
      tests: [
        'test/domain/rollout-order.test.ts > who goes next > is the next in the list once the one before parks, cuts over or is in its revert window, whatever the cutover',
      ],
    },
    {
      number: 5,
      scenario: 'barrier; the first runs, retries by itself, or was stopped',
      answer: 'the second waits; after a stop nothing is admitted at all',
      tests: [
        'test/domain/rollout-order.test.ts > who goes next > is nobody while one is on its way, whatever the cutover: the width is one unless the spec says more',
        'test/domain/rollout.test.ts > a decision > on a stop ends what was never admitted without a call, and halts everything else on its engine',
      ],
    },
    {
      number: 6,
      scenario: 'barrier and halt; the first failed',
      answer: 'nothing more is admitted, and what waits ends `stopped` (`policy`)',
      differs:
        'halt settles what waits at once instead of leaving it pending for ever, and a `start` can go on with it',
      tests: [
        'test/domain/rollout-order.test.ts > who goes next > after a failure is nobody under halt and pause, at every width and cutover, and the next under continue',
        'test/domain/rollout.test.ts > a decision > under a policy closed by halt ends what waits as stopped by the policy, and leaves alone what runs',
      ],
    },
    {
      number: 7,
      scenario: 'all at once: the width is that of the list, and the first runs or failed',
      answer: 'while it runs all are admitted; once it failed, nobody more under halt',
      differs: 'width and policy are two settings here, so a wide rollout still halts',
      tests: [
        'test/domain/rollout-order.test.ts > who goes next > is everybody at once where the width is that of the list',
        'test/domain/rollout-order.test.ts > who goes next > after a failure is nobody under halt and pause, at every width and cutover, and the next under continue',
      ],
    },
    {
      number: 8,
      scenario: '`continue`, and the first failed',
      answer: 'the second is admitted as soon as the width has room, not while another runs',
      tests: [
        'test/domain/rollout-order.test.ts > who goes next > after a failure is nobody under halt and pause, at every width and cutover, and the next under continue',
        'test/workflows/policy.integration.test.ts > failures under each policy > %s',
      ],
    },
    {
      number: 9,
      scenario: '`pause`, and the first failed',
      answer: 'nobody is admitted until a release, which is for the rest of the apply',
      tests: [
        'test/domain/rollout.test.ts > a decision > under a policy closed by pause does nothing at all, until a release',
        'test/workflows/policy.integration.test.ts > a paused rollout > waits for release, names it, and goes on with it (%s)',
      ],
    },
    {
      number: 10,
      scenario: 'an unknown `onFailure` or `cutover`',
      answer: 'refused with the spec; a policy that got further acts as halt',
      tests: [
        'test/domain/parse-spec.test.ts > a spec is refused > with a word that is none of the language: %j',
        'test/domain/spec.test.ts > a frozen policy > acts as halt on a value that is none of ours',
      ],
    },
    {
      number: 11,
      scenario: 'the first was cancelled or reverted',
      answer:
        'a revert, or a cancel on its engine by someone else, is a setback: the policy decides. A cancel by an operator is none',
      differs: 'onFailure decides about every setback alike, and what a person ended on purpose holds nobody up',
      tests: [
        'test/domain/rollout-order.test.ts > who goes next > after a revert, or an end that someone else brought about on the engine, is as after a failure',
        'test/domain/rollout-order.test.ts > who goes next > after one that a person skipped or cancelled is the next, under every policy',
      ],
    },
    {
      number: 12,
      scenario: 'several rows of one deployment, one per shard',
      answer: 'there is one operation per deployment; other deployments go by the width',
      replacedBy:
        'what happens side by side inside one database is its engine’s business, and a plan per shard is refused',
      tests: ['test/tern/codec-plan.test.ts > a plan with statements per shard is no plan'],
    },
    {
      number: 13,
      scenario: 'two processes want one pending row at the same moment',
      answer: 'one execution per target, whoever asks',
      replacedBy: 'Temporal runs one workflow per id, and the id of an operation is its target (I11)',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > an apply of many deployments > reserves 120 targets in batches and completes, one execution each',
        'test/client/skein-client.integration.test.ts > starting > of two starts at once with one id, one starts the apply and the other attaches to it',
      ],
    },
    {
      number: 14,
      scenario: 'two processes take different rows of one apply',
      answer: 'as many as the width allows run at once, on whichever worker has a free slot',
      replacedBy: 'activities on task queues; the apply alone admits',
      tests: [
        'test/workflows/policy.integration.test.ts > failures under each policy > the width $maxConcurrency of six is used and never exceeded',
      ],
    },
    {
      number: 15,
      scenario: 'a closing step of a namespace waits for the work before it',
      answer: 'there is no such step',
      replacedBy: 'the plan of a deployment is one change, and its engine runs all of it in the order it needs',
      tests: [],
    },
    {
      number: 16,
      scenario: 'a start must not go past the order',
      answer:
        'those with a remote apply go on first, in list order and within the width; the others obey order and waves',
      tests: [
        'test/domain/rollout.test.ts > a decision > lets those with a remote apply go first, in list order, and within the width',
        'test/workflows/policy.integration.test.ts > a closed apply > is started again: remote ids kept, asked before Start, resumed ones first, completed ones untouched',
      ],
    },
    {
      number: 17,
      scenario: 'a heartbeat is fresh, stale, or of something that ended',
      answer:
        'a watch that went silent is taken up by another worker in seconds, with nothing changed; what ended has no watch',
      replacedBy: 'heartbeats and retries of activities',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > a worker killed > after the acceptance, after the id was recorded and in mid-watch resumes those exact remote applies',
        'test/stack/remote-ids.integration.test.ts > remote ids, on real engines > a worker killed in the middle of watching goes on with exactly that apply',
      ],
    },
    {
      number: 18,
      scenario: 'a parked row with a stale heartbeat',
      answer: 'nobody takes it for a copy that has to go on: it waits without a slot, and a lost operation parks anew',
      replacedBy: 'looks of an activity that ends between them',
      tests: [
        'test/activities/parked.test.ts > a watch until %s > holds no slot for an engine that does not answer either, and says since when it does not',
        'test/workflows/remote-ids.integration.test.ts > a lost operation > that was terminated while it was parked with a permission is permitted anew',
      ],
    },
    {
      number: 19,
      scenario: 'a crash in a setup phase, or while a change is reverted',
      answer: 'every state of the engine is watched again, the finer ones as phases of `running`',
      tests: [
        'test/tern/codec.test.ts > every state of the wire has a state of the domain, and the finer ones are running with the name as phase',
        'test/activities/parked.test.ts > a watch until %s > of what is %s',
      ],
    },
    {
      number: 20,
      scenario: 'an engine waits for a deploy, and a start is asked for',
      answer: 'shown as a phase of `running`, and `start` is refused while the apply runs',
      replacedBy: 'there is no deferred deploy; what waits for a person is a parked cutover',
      tests: [
        'test/tern/codec.test.ts > every state of the wire has a state of the domain, and the finer ones are running with the name as phase',
        'test/domain/control.test.ts > start > is refused while the apply runs, and says what goes on with it',
      ],
    },
    {
      number: 21,
      scenario: 'the apply has ended and operations never ran',
      answer: 'nothing goes on by itself; `start` begins a new run of the same id',
      tests: [
        'test/workflows/stop.integration.test.ts > stop while running > after the end reaches nobody, and the result stays as it is',
        'test/workflows/policy.integration.test.ts > a closed apply > is started again: remote ids kept, asked before Start, resumed ones first, completed ones untouched',
      ],
    },
    {
      number: 22,
      scenario: 'one apply has its share of the drivers',
      answer:
        'each apply has a width of its own and takes nothing from another; controls have a task queue of their own',
      differs: 'parked operations hold no slot, so applies need no cap against each other',
      tests: [
        'test/workflows/policy.integration.test.ts > failures under each policy > the width $maxConcurrency of six is used and never exceeded',
        'test/workflows/time.integration.test.ts > over a long time > a stop does not wait for the next look, which is a day away',
        'test/workflows/catalogue.integration.test.ts > two applies of one database > on different deployments run beside each other, and neither waits for the other',
      ],
    },
    {
      number: 23,
      scenario: 'claims at the same moment overshoot the cap',
      answer: 'never: one decision at a time admits',
      differs: 'the apply decides alone, so there is nothing to race (I9)',
      tests: [
        'test/domain/rollout.exhaustive.test.ts > in every order of events every decision keeps to the rules, and everything can end > with four operations at every width',
        'test/workflows/policy.integration.test.ts > failures under each policy > the width $maxConcurrency of six is used and never exceeded',
      ],
    },
    {
      number: 24,
      scenario: 'a lease without an owner, or an invalid one',
      answer: 'an attempt that is somebody else’s by now sends nothing',
      replacedBy: 'attempts of activities; one that stood still for too long gives up before it calls',
      tests: [
        'test/activities/dispatch.test.ts > dispatch > sends nothing from a process that stood still so long that the attempt is somebody else’s',
        'test/activities/controls.test.ts > start > ends at once in a process that stood still, instead of going round',
      ],
    },
    {
      number: 25,
      scenario: 'a row that is not in its apply',
      answer: 'an input whose plan and spec disagree is refused, and so is a control that names a stranger',
      tests: [
        'test/workflows/catalogue.integration.test.ts > an apply that was started around the client > with %s is refused: no operation, no call, and the problem is named',
        'test/domain/control.test.ts > every control > is refused for a deployment that the apply does not have, naming those it has',
      ],
    },
    {
      number: 26,
      scenario: 'rows of one apply and the order of another',
      answer: 'applies never order each other',
      tests: [
        'test/workflows/catalogue.integration.test.ts > two applies of one database > on different deployments run beside each other, and neither waits for the other',
      ],
    },
    {
      number: 27,
      scenario: 'an operation turns out to have no tasks',
      answer: 'it fails with its ids; the apply goes by the policy',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > an answer that cannot be right > of an operation with no tasks completes nothing (verify: $verify)',
      ],
    },
    {
      number: 28,
      scenario: 'two applies on one deployment, or on different ones',
      answer: 'the second on one target fails with `TargetHeld` and names the holder; on different ones both run',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > two applies on one target > the second is refused before it dispatched anything, names the holder, and gives its other targets back',
        'test/workflows/catalogue.integration.test.ts > two applies of one database > on different deployments run beside each other, and neither waits for the other',
      ],
    },
    {
      number: 29,
      scenario: 'another apply holds only a later deployment, at the start or when a stopped one is started',
      answer: 'the whole apply is refused before anything is sent; what it had stopped stays resumable',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > two applies on one target > the second is refused before it dispatched anything, names the holder, and gives its other targets back',
        'test/workflows/catalogue.integration.test.ts > a stopped apply whose target another one took > is not started while that one runs: it is named, nothing is sent, and a later start goes on',
      ],
    },
    {
      number: 30,
      scenario: 'a deployment or a database listed twice',
      answer: 'refused as a whole, with every problem at once',
      tests: [
        'test/domain/parse-spec.test.ts > a spec is refused > with every problem at once: five mistakes, five problems',
        'test/domain/planning.test.ts > plans of several deployments > of two deployments with one engine and target are one database, which is refused',
        'test/workflows/catalogue.integration.test.ts > an apply that was started around the client > with %s is refused: no operation, no call, and the problem is named',
      ],
    },
    {
      number: 31,
      scenario: 'table by table over all targets',
      answer:
        'a rollout goes deployment by deployment; in steps over all of them it goes by waves, and no wave begins before the one before has ended, whatever the policy',
      replacedBy: 'waves, and one apply per step where a table has to be everywhere first',
      tests: [
        'test/domain/rollout-order.test.ts > who goes next > is nobody of a later wave while anything of an earlier one has not ended, whatever the failures',
        'test/domain/rollout.exhaustive.test.ts > in every order of events of waves and cutovers as well > with a canary that bakes, a gate that is approved, rejected or expires, and every cutover',
      ],
    },
    {
      number: 32,
      scenario: 'stopped before it ever ran, then started',
      answer: 'it goes in its turn, behind what has a remote apply',
      tests: [
        'test/domain/rollout.test.ts > a decision > lets those with a remote apply go first, in list order, and within the width',
        'test/workflows/policy.integration.test.ts > a closed apply > is started again: remote ids kept, asked before Start, resumed ones first, completed ones untouched',
      ],
    },
  ],
};
