import type { Chapter } from './scenario.js';

export const DISPATCH: Chapter = {
  letter: 'G',
  title: 'Dispatch, and remote apply ids',
  scenarios: [
    {
      number: 103,
      scenario: 'several operations are dispatched',
      answer: 'each has its own remote apply id; the apply has none',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > several operations > each have their own remote apply id, and every call carries the id of its own operation',
        'test/stack/remote-ids.integration.test.ts > remote ids, on real engines > each operation has its own, and every call carries the id of its own operation',
      ],
    },
    {
      number: 104,
      scenario: 'a call for the apply as a whole',
      answer: 'there is none: every call names a remote apply, and an empty id is never sent',
      differs: 'refused by construction instead of by a check',
      tests: [
        'test/tern/grpc-engine.test.ts > nothing is sent without the ids it needs: an empty one means everything to some engines (C03)',
        'test/workflows/remote-ids.integration.test.ts > several operations > each have their own remote apply id, and every call carries the id of its own operation',
      ],
    },
    {
      number: 105,
      scenario: 'the first dispatch of an operation',
      answer: 'not ambiguous: sent once, nothing looked up before',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > several operations > a first dispatch has no id and is not ambiguous: nothing is looked up before it, and it is sent once',
      ],
    },
    {
      number: 106,
      scenario: 'running without an id',
      answer: 'found by its key, or the same Apply once more',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > a lost operation > that was terminated in mid-watch is picked up by its key: one remote apply, and the parent completes',
        'test/workflows/stop-interleavings.test.ts > a stop and the dispatch of an operation > of a former operation that closed without a word asks by its key, because it may have been sent',
        'test/workflows/stop.integration.test.ts > stop around the dispatch > before any worker took the dispatch up is resolved by key, and nothing was ever sent',
      ],
    },
    {
      number: 107,
      scenario: 'a crash after the id was recorded',
      answer: 'that id is followed, and no Apply is sent',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > a worker killed > after the acceptance, after the id was recorded and in mid-watch resumes those exact remote applies',
        'test/client/operation-history.test.ts > the next run of an interrupted apply > goes on with the remote apply on record',
      ],
    },
    {
      number: 108,
      scenario: 'a crash before the id was recorded',
      answer: 'the same key again, the same remote apply',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > a worker killed > after the acceptance, after the id was recorded and in mid-watch resumes those exact remote applies',
        'test/stack/remote-ids.integration.test.ts > remote ids, on real engines > a worker killed after the engine accepted and before the reply is recorded finds that same apply again',
      ],
    },
    {
      number: 109,
      scenario: 'the answer is lost',
      answer: 'the same key until there is an answer, one remote apply',
      tests: [
        'test/workflows/dispatch.integration.test.ts > a dispatch whose answer is lost > by %s is sent again with the same key and runs once',
      ],
    },
    {
      number: 110,
      scenario: 'a sibling is retried',
      answer: 'nobody else’s key changes',
      tests: [
        'test/domain/ids.test.ts > an idempotency key > is another for every other attempt, deployment, plan and apply',
        'test/domain/ids.test.ts > an idempotency key > is made of apply, plan, deployment and attempt, and of nothing else (I1)',
      ],
    },
    {
      number: 111,
      scenario: 'a retry and a crash',
      answer: 'a retry makes a new key; a crash, a replay and a new run do not',
      tests: [
        'test/workflows/policy.integration.test.ts > retry in a running apply > under continue takes the setback back, and the apply completes',
        'test/workflows/remote-ids.integration.test.ts > a worker killed > after the acceptance, after the id was recorded and in mid-watch resumes those exact remote applies',
        'test/client/operation-history.test.ts > the next run of an interrupted apply > goes on with the same attempt, so that the same key finds the same remote apply',
      ],
    },
    {
      number: 112,
      scenario: 'another id where there is one',
      answer: 'refused: an attempt has one answer, and an answer about another apply or operation is not believed',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > an answer that cannot be right > to Progress (about %s) is not believed, is shown, and the watch goes on',
        'test/workflows/stop-interleavings.test.ts > a stop and the dispatch of an operation > an accepted reply with an empty remote id fails closed',
        'test/tern/grpc-engine.test.ts > an answer about another apply, or without the operation that was asked for, is not believed (C26)',
      ],
    },
    {
      number: 113,
      scenario: 'a second remote apply for one deployment',
      answer:
        'an operation sends no second Apply while an attempt of it may live; another apply does not get the target',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > two applies on one target > the second is refused before it dispatched anything, names the holder, and gives its other targets back',
        'test/workflows/dispatch.integration.test.ts > a dispatch that a live engine answers with nothing but errors > without a lookup gets a new attempt only after its old key was definitely refused',
        'test/workflows/policy.integration.test.ts > skip > --unconfirmed and then a retry makes a new attempt once the old one is known to have ended',
      ],
    },
    {
      number: 114,
      scenario: 'the operation key comes back changed',
      answer: 'nothing is adopted: `failed`, unconfirmed',
      tests: [
        'test/workflows/remote-ids.integration.test.ts > an answer that cannot be right > to Apply (%s) is refused with nothing adopted, naming the rule and the ids',
        'test/tern/codec-apply.test.ts > an acceptance without an id, or for something else than the whole deployment, is broken (C07, C08)',
        'test/tern/grpc-engine.test.ts > an acceptance with %s is not believed (C07, C08)',
      ],
    },
    {
      number: 115,
      scenario: 'not accepted, no id, or nothing',
      answer:
        'not accepted: `failed`, with the engine’s words; no id: `failed`, unconfirmed, and a retry settles the key first',
      tests: [
        'test/activities/dispatch.test.ts > dispatch > takes %s for %s, and does not send again',
        'test/workflows/remote-ids.integration.test.ts > an answer that cannot be right > to Apply (%s) is refused with nothing adopted, naming the rule and the ids',
        'test/workflows/dispatch.integration.test.ts > a dispatch that a live engine answers with nothing but errors > that was accepted without an id is settled by its key on a retry as well',
      ],
    },
    {
      number: 116,
      scenario: 'which errors are repeated',
      answer: 'a table: each gRPC status of each kind of call has one meaning',
      differs:
        'what may have happened is repeated under the same key without limit, and never becomes a failure by counting',
      tests: [
        'test/tern/status.test.ts > every gRPC status of every kind of call is the failure that the contract asks for',
        'test/domain/failure.test.ts > a failure > is repeated without limit only where a repeat is harmless or the engine will be back',
      ],
    },
    {
      number: 117,
      scenario: 'a stop or a cancel right before the dispatch',
      answer: 'no dispatch',
      tests: [
        'test/workflows/stop-interleavings.test.ts > a stop and the dispatch of an operation > together with the admission, %s, schedules nothing',
        'test/workflows/stop-interleavings.test.ts > a stop and the dispatch of an operation > delivered with the first task of an operation that starts admitted schedules nothing',
      ],
    },
    {
      number: 118,
      scenario: 'a dispatch that would join a remote apply that has ended',
      answer: 'there is no joining; a repeat of a key gives its ids and runs nothing',
      replacedBy: 'one remote apply per attempt (I1)',
      tests: [
        'test/engine/conformance.ts > engine conformance: ${name} > apply > E24 gives the same ids to a repeat after a failure and after a cancel, and runs nothing',
      ],
    },
    {
      number: 119,
      scenario: 'two dispatches of one key race',
      answer: 'one remote apply, both get its ids',
      tests: [
        'test/engine/conformance.ts > engine conformance: ${name} > apply > E26 makes one apply of fifty calls with one key',
      ],
    },
    {
      number: 120,
      scenario: 'a key is replayed',
      answer: 'the same ids, no new work',
      tests: [
        'test/engine/conformance.ts > engine conformance: ${name} > apply > E23 E24 gives the same ids to a repeat, while it runs and after it has ended',
      ],
    },
    {
      number: 121,
      scenario: 'a dispatch outside the declared members',
      answer: 'none are declared, and an engine that is asked for members it does not have refuses',
      replacedBy: 'one remote apply per operation, so nothing is attached later',
      tests: [
        'test/engine/conformance.ts > engine conformance: ${name} > apply > E32 E33 refuses shards and members that it does not have',
      ],
    },
    {
      number: 122,
      scenario: 'the same change runs already, started by someone else',
      answer: 'never adopted: busy is a refusal that names the holder',
      differs: 'what somebody else started, somebody else stops',
      tests: [
        'test/workflows/dispatch.integration.test.ts > a refusal > because the database is busy fails the operation and names the holder; it is sent once',
        'test/tern/grpc-engine.test.ts > a busy database is a refusal that names the holder',
      ],
    },
    {
      number: 123,
      scenario: 'the plan is gone, or has nothing to do',
      answer:
        'made anew from the payload if it still fits the live schema, else `failed`; a change without tasks fails',
      tests: [
        'test/workflows/dispatch.integration.test.ts > a plan that the engine does not know any more > is made anew from what is sent along, and runs',
        'test/workflows/dispatch.integration.test.ts > a plan that the engine does not know any more > and no longer matches the live schema fails with the text of the engine, and nothing ran',
        'test/workflows/remote-ids.integration.test.ts > an answer that cannot be right > of an operation with no tasks completes nothing (verify: $verify)',
      ],
    },
    {
      number: 124,
      scenario: 'a change per shard',
      answer: 'refused when it is planned',
      tests: [
        'test/tern/codec-plan.test.ts > a plan with statements per shard is no plan',
        'test/engine/conformance.ts > engine conformance: ${name} > apply > E32 E33 refuses shards and members that it does not have',
      ],
    },
  ],
};
