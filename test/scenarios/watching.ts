import type { Chapter } from './scenario.js';

export const WATCHING: Chapter = {
  letter: 'H',
  title: 'Watching, retrying, and losing someone',
  scenarios: [
    {
      number: 125,
      scenario: 'the engine does not know the remote apply',
      answer: '`failed`, unconfirmed, never `completed`',
      tests: [
        'test/workflows/truth.integration.test.ts > a remote apply that its engine does not know any more > fails unconfirmed and never completes (%s dialect)',
        'test/workflows/truth.integration.test.ts > a remote apply that its engine does not know any more > fails unconfirmed when the engine calls it no active change',
      ],
    },
    {
      number: 126,
      scenario: 'looks that get no answer',
      answer: 'the operation is flagged as unreachable, keeps its slot, and is looked at for ever',
      differs: 'an engine that is away says nothing about the change; a person may give it up',
      tests: [
        'test/workflows/truth.integration.test.ts > states that are no end > an engine that is away in mid-watch is flagged, keeps its slot, and is followed again when it answers',
        'test/workflows/policy.integration.test.ts > skip > --unconfirmed gives an operation up whose engine does not answer; a later retry asks the old one first',
      ],
    },
    {
      number: 127,
      scenario: 'a look that is refused for good',
      answer:
        '`failed`, unconfirmed, once the diff has been read; a denied access is no such refusal: it is flagged and looked at again',
      differs: 'an expired certificate says nothing about the change',
      tests: [
        'test/activities/watch.test.ts > watch > ends unconfirmed once the engine refuses to be asked, names it, and reads the diff before it says failed',
        'test/tern/status.test.ts > every gRPC status of every kind of call is the failure that the contract asks for',
        'test/workflows/dispatch.integration.test.ts > a dispatch whose answer is lost > by a denied access waits visibly and goes on once it is let in',
      ],
    },
    {
      number: 128,
      scenario: 'the engine has ended, and a table lags behind',
      answer: 'the state decides, and the diff of the engine has to agree before it counts',
      differs: 'the live schema is asked instead of forcing the tables to agree',
      tests: [
        'test/workflows/truth.integration.test.ts > an engine that reports completed without having done it > is caught: the operation fails and says what is still missing, and nothing else starts',
        'test/workflows/truth.integration.test.ts > an engine that reports completed without having done it > and only lags behind is believed at the second reading',
      ],
    },
    {
      number: 129,
      scenario: 'a look that is older than what is known',
      answer: 'never goes back; stale `stopped` after a Start is not believed',
      tests: [
        'test/workflows/truth.integration.test.ts > states that are no end > a state that goes backwards is ignored',
        'test/workflows/truth.integration.test.ts > after a Start > stale samples that still say stopped are not believed',
      ],
    },
    {
      number: 130,
      scenario: 'a state that is in no contract',
      answer: '`running`, visible by its number, and it blocks',
      differs: 'visible beats an error in a log; it is no end either way',
      tests: [
        'test/workflows/truth.integration.test.ts > states that are no end > a state that is in no contract is running, visible by its number, and blocks',
      ],
    },
    {
      number: 131,
      scenario: 'a process lost its lease without noticing',
      answer: 'its attempt ends before it calls anything',
      replacedBy: 'heartbeat time-outs, and a clock of its own in each attempt',
      tests: [
        'test/activities/dispatch.test.ts > dispatch > sends nothing from a process that stood still so long that the attempt is somebody else’s',
        'test/activities/controls.test.ts > start > ends at once in a process that stood still, instead of going round',
      ],
    },
    {
      number: 132,
      scenario: 'an operation writes into its parent',
      answer: 'it cannot: it reports, and the apply judges by content',
      replacedBy: 'one writer per workflow, and reports that carry their attempt',
      tests: [
        'test/client/view-from-history.test.ts > the view from history > parked, permitted and refused again follow the reports of the operation',
      ],
    },
    {
      number: 133,
      scenario: 'who retries, and how often',
      answer: 'the engine itself, shown as a pause; a new attempt is a person’s `retry`',
      replacedBy: 'no budget to share: nothing here attempts anything anew by itself',
      tests: [
        'test/workflows/truth.integration.test.ts > states that are no end > a retrying engine is a pause: it keeps its slot, fires no policy, and goes on by itself',
        'test/domain/carry.test.ts > retry > makes a new attempt of all that failed, with the remote id cleared, and goes on with what was stopped',
      ],
    },
    {
      number: 134,
      scenario: 'the retries are used up',
      answer:
        'the engine says failed, and the policy decides; a sibling that is parked waits for a person under a closed one',
      differs: 'how long a change is worth retrying is the engine’s to know',
      tests: [
        'test/workflows/truth.integration.test.ts > states that are no end > a retrying engine is a pause: it keeps its slot, fires no policy, and goes on by itself',
        'test/workflows/policy.integration.test.ts > an engine that parks although nobody asked > is not permitted while the policy is closed: it waits for a person',
      ],
    },
    {
      number: 135,
      scenario: 'a retry that somebody drives already',
      answer: 'one operation follows one remote apply',
      replacedBy: 'a workflow per target',
      tests: [
        'test/workflows/truth.integration.test.ts > states that are no end > a failure while a table still retries is that pause, on an engine that cannot say it otherwise',
        'test/workflows/truth.integration.test.ts > states that are no end > a retrying engine is a pause: it keeps its slot, fires no policy, and goes on by itself',
      ],
    },
    {
      number: 136,
      scenario: 'one broken row starves the others',
      answer: 'every operation has a workflow of its own, and a dead engine slows nobody',
      replacedBy: 'there is no shared poll',
      tests: ['test/tern/engines.test.ts > a dead engine slows nobody else (C46)'],
    },
    {
      number: 137,
      scenario: 'the parent ended and a child did not, or the other way round',
      answer: 'cannot be: an apply ends after its operations; one that was terminated is taken up with `start`',
      replacedBy: 'parent and child workflows (I3)',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > a terminated apply > is started again: its own former operations are no conflict, and their remote apply goes on',
        'test/workflows/remote-ids.integration.test.ts > a lost operation > that was terminated in mid-watch is picked up by its key: one remote apply, and the parent completes',
      ],
    },
    {
      number: 138,
      scenario: 'a clean-up that must spare what can go on',
      answer: 'nothing cleans up; what was stopped keeps until the namespace’s retention',
      replacedBy: 'closed runs are the record, and the status says until when',
      tests: [
        'test/domain/status.test.ts > the status of a closed apply > is its result: same state, message and times, and until when it can be resumed',
      ],
    },
    {
      number: 139,
      scenario: 'a defect in the middle of a drive',
      answer:
        'the operation that was lost is started again with the same attempt and found by its key; the others go on',
      differs: 'a defect says nothing about the change, so it fails nothing',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > a lost operation > that was terminated in mid-watch is picked up by its key: one remote apply, and the parent completes',
        'test/workflows/remote-ids.integration.test.ts > a lost operation > that was terminated before it was admitted is started again and waits for its turn',
      ],
    },
    {
      number: 140,
      scenario: 'a worker shuts down',
      answer: 'its watches are handed over at once; the remote applies go on',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > a worker killed > that is stopped in an orderly way hands the watch over without touching the remote apply',
        'test/activities/watch.test.ts > watch > gives up a read that hangs when its worker shuts down',
        'test/activities/dispatch.test.ts > dispatch > that is cut short by a shutdown of its worker says nothing of the kind',
      ],
    },
    {
      number: 141,
      scenario: 'the storage of the orchestrator is away',
      answer: 'engines go on, and everything is there when it is back',
      tests: [
        'test/dev/dev.integration.test.ts > skein dev > runs its example, is alone on its folder, keeps everything over kill -9, and stops cleanly on Ctrl-C',
        'test/client/watch.test.ts > a server that is away for a while is waited for',
      ],
    },
    {
      number: 142,
      scenario: 'the volume of a running apply',
      answer: 'does not exist any more',
      replacedBy: 'the engine throttles itself',
      tests: [
        'test/proto/generated.test.ts > the service has the fifteen calls of the renumbered dialect and no Volume',
        'test/engine/conformance.ts > engine conformance: ${name} > transport and health > E01 answers UNIMPLEMENTED for a call that the contract no longer has',
      ],
    },
    {
      number: 143,
      scenario: 'one side knows a control that the other does not',
      answer:
        'an unknown signal changes nothing; an engine of the old dialect is told before anything is sent; old histories replay',
      tests: [
        'test/client/skein-client.integration.test.ts > without a worker > the status is told from history, also after a stranger sent signals with anything in them',
        'test/tern/probe.test.ts > an engine of the old dialect is refused, and neither Stop nor Progress ever reaches it (C45)',
        'test/replay/replay.exhaustive.test.ts > the recorded histories > are replayed by the workflows as they are now (else: npm run record, or patched once they are released)',
      ],
    },
  ],
};
