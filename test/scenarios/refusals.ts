import type { Refusal } from './scenario.js';

/** Design 6, and what the reference system refuses beyond it. */
export const REFUSALS: readonly Refusal[] = [
  {
    what: 'a control for a deployment that the apply does not have',
    refused: 'the control; nothing is recorded, also without a worker',
    checkedIn: ['domain/control.ts', 'client/controls.ts', 'domain/carry.ts'],
    tests: [
      'test/domain/control.test.ts > every control > is refused for a deployment that the apply does not have, naming those it has',
      'test/workflows/policy.integration.test.ts > a control that is refused > (%s) says why and leaves no event',
      'test/workflows/catalogue.integration.test.ts > a control that means another apply > by a deployment that it does not have is refused before anything is recorded, with and without a worker',
      'test/domain/carry.test.ts > every resumption > is refused for deployments that the apply does not have',
      'test/client/skein-client.integration.test.ts > stopping > a deployment that a control names wrongly is refused with the names there are, and leaves no trace',
    ],
  },
  {
    what: 'an answer about another apply, or about an operation of another apply',
    refused: 'the answer; nothing of it is believed, and the watch goes on',
    checkedIn: ['tern/grpc-engine.ts'],
    tests: [
      'test/workflows/remote-ids.integration.test.ts > an answer that cannot be right > to Progress (about %s) is not believed, is shown, and the watch goes on',
      'test/tern/grpc-engine.test.ts > an answer about another apply, or without the operation that was asked for, is not believed (C26)',
      'test/engine/conformance.ts > engine conformance: ${name} > progress > E39 answers for an operation, echoes its id, and refuses one of another apply',
    ],
  },
  {
    what: 'a control for another environment',
    refused: 'the control, before it could be a signal; an ended apply gets no new run',
    checkedIn: ['domain/control.ts', 'client/controls.ts'],
    tests: [
      'test/domain/control.test.ts > every control > is refused for another environment than the apply is in',
      'test/workflows/catalogue.integration.test.ts > a control that means another apply > by its environment is refused before anything is recorded, also where it would be a signal',
      'test/workflows/catalogue.integration.test.ts > a control that means another apply > by its environment begins no new run of one that has ended',
      'test/workflows/policy.integration.test.ts > a control that is refused > by signal for another environment changes nothing',
    ],
  },
  {
    what: 'a control that is not allowed now',
    refused: 'the control, by the validator of the update, with the next step',
    checkedIn: ['domain/control.ts', 'workflows/apply-controls.ts'],
    tests: [
      'test/domain/control.test.ts > every control > is judged without an error in every situation of two operations, and a refusal gives a reason and the apply',
      'test/workflows/policy.integration.test.ts > a control that is refused > (%s) says why and leaves no event',
      'test/workflows/stop.integration.test.ts > forward controls after a stop > are refused with the next step, and leave no trace in history',
    ],
  },
  {
    what: 'a deployment listed twice, a word that is none, a name that is none',
    refused: 'the apply, with every problem at once',
    checkedIn: ['domain/parse-spec.ts', 'workflows/check-input.ts'],
    tests: [
      'test/domain/parse-spec.test.ts > a spec is refused > with every problem at once: five mistakes, five problems',
      'test/workflows/catalogue.integration.test.ts > an apply that was started around the client > with %s is refused: no operation, no call, and the problem is named',
      'test/domain/parse-spec.test.ts > a spec is refused > with a word that is none of the language: %j',
    ],
  },
  {
    what: 'a plan that names another deployment, has no id, or is of no class; a deployment without a plan',
    refused: 'the apply; no operation is started',
    checkedIn: ['workflows/check-input.ts'],
    tests: [
      'test/workflows/catalogue.integration.test.ts > an apply that was started around the client > with %s is refused: no operation, no call, and the problem is named',
    ],
  },
  {
    what: 'two deployments with one engine address and target',
    refused: 'the apply; nothing lifts it',
    checkedIn: ['domain/planning.ts', 'client/plan.ts'],
    tests: [
      'test/domain/planning.test.ts > plans of several deployments > of two deployments with one engine and target are one database, which is refused',
      'test/client/plan.test.ts > reviewing plans > of two deployments with one engine and target nothing lifts the refusal, which names both and the target',
    ],
  },
  {
    what: 'plans that differ, cannot be made, are blocked, or are unsafe',
    refused: 'the apply, with the difference or the reason per deployment',
    checkedIn: ['domain/planning.ts', 'client/plan.ts'],
    tests: [
      'test/domain/planning.test.ts > plans of several deployments > that differ are drift, with the statements that are only here and only there',
      'test/domain/planning.test.ts > plans of several deployments > are not compared where there is none: an engine that was not reached, one that refused, a broken schema',
      'test/domain/planning.test.ts > plans of several deployments > name every statement that is blocked or unsafe, and every error of the linter, once per group',
      'test/client/plan.test.ts > reviewing plans > unsafe statements are lifted by allowing them, drift is not',
      'test/client/plan.test.ts > reviewing plans > an engine that could not be asked is unavailable, not refused, and is named',
    ],
  },
  {
    what: 'a change that turns out to have no tasks',
    refused: 'the completion; the operation fails with its ids',
    checkedIn: ['activities/verify-end.ts', 'activities/watch.ts'],
    tests: [
      'test/workflows/remote-ids.integration.test.ts > an answer that cannot be right > of an operation with no tasks completes nothing (verify: $verify)',
    ],
  },
  {
    what: 'a plan made for another target',
    refused: 'the dispatch, by the engine; the operation fails with its words and ids',
    checkedIn: ['engine/calls/apply-call.ts', 'activities/dispatch.ts'],
    tests: [
      'test/workflows/catalogue.integration.test.ts > a plan that was made for another target > never runs: the operation fails with the words of its engine and its ids, and nothing else starts',
      'test/engine/plan.integration.test.ts > a plan that is no longer true > is refused for another database, environment or target than it was made for',
    ],
  },
  {
    what: 'a plan that the live schema has drifted from',
    refused: 'the dispatch, by the engine; both sides are named, nothing ran',
    checkedIn: ['engine/calls/apply-call.ts', 'activities/dispatch.ts'],
    tests: [
      'test/workflows/dispatch.integration.test.ts > a plan that the engine does not know any more > and no longer matches the live schema fails with the text of the engine, and nothing ran',
      'test/engine/plan.integration.test.ts > a plan that is no longer true > is refused when it is applied, naming both sides, and nothing is stored',
      'test/engine/conformance.ts > engine conformance: ${name} > apply > E17 refuses such a plan once the live schema has drifted',
    ],
  },
  {
    what: 'accepted without an id',
    refused: 'the answer; `failed`, unconfirmed, no call with an empty id',
    checkedIn: ['tern/codec-apply.ts', 'workflows/operation-memory.ts'],
    tests: [
      'test/workflows/remote-ids.integration.test.ts > an answer that cannot be right > to Apply (%s) is refused with nothing adopted, naming the rule and the ids',
      'test/tern/grpc-engine.test.ts > an acceptance with %s is not believed (C07, C08)',
      'test/workflows/stop-interleavings.test.ts > a stop and the dispatch of an operation > an accepted reply with an empty remote id fails closed',
    ],
  },
  {
    what: 'a call that names no remote apply, no plan, no key or no environment',
    refused: 'the call, before it is sent: an empty one means everything to some engines',
    checkedIn: ['tern/grpc-engine.ts'],
    tests: [
      'test/tern/grpc-engine.test.ts > nothing is sent without the ids it needs: an empty one means everything to some engines (C03)',
      'test/engine/conformance.ts > engine conformance: ${name} > transport and health > E07 refuses an empty apply id on every call that needs one',
    ],
  },
  {
    what: 'an id that differs from the one on record',
    refused: 'the answer; the one on record stays',
    checkedIn: ['tern/grpc-engine.ts', 'workflows/operation-memory.ts'],
    tests: [
      'test/workflows/remote-ids.integration.test.ts > an answer that cannot be right > to Progress (about %s) is not believed, is shown, and the watch goes on',
      'test/tern/grpc-engine.test.ts > an answer about another apply, or without the operation that was asked for, is not believed (C26)',
    ],
  },
  {
    what: 'an operation key that differs from the one sent',
    refused: 'the answer; nothing is adopted',
    checkedIn: ['tern/codec-apply.ts'],
    tests: [
      'test/workflows/remote-ids.integration.test.ts > an answer that cannot be right > to Apply (%s) is refused with nothing adopted, naming the rule and the ids',
      'test/tern/codec-apply.test.ts > an acceptance without an id, or for something else than the whole deployment, is broken (C07, C08)',
    ],
  },
  {
    what: 'an operation id that is not echoed where the engine claims to',
    refused: 'the answer; nothing of it is believed',
    checkedIn: ['tern/grpc-engine.ts'],
    tests: [
      'test/tern/grpc-engine.test.ts > an answer about another apply, or without the operation that was asked for, is not believed (C26)',
      'test/tern/grpc-engine.test.ts > a limited engine is never asked for an operation, and need not echo one',
      'test/workflows/remote-ids.integration.test.ts > an answer that cannot be right > to Progress (about %s) is not believed, is shown, and the watch goes on',
    ],
  },
  {
    what: 'an engine of the old dialect',
    refused: 'every call to it, before the first',
    checkedIn: ['tern/probe.ts'],
    tests: [
      'test/workflows/dispatch.integration.test.ts > a refusal > because the engine speaks the old dialect sends it nothing at all',
      'test/tern/probe.test.ts > an engine of the old dialect is refused, and neither Stop nor Progress ever reaches it (C45)',
      'test/tern/probe.test.ts > one probe serves all calls of a connection, also those that come at once',
      'test/tern/probe.test.ts > a new connection is probed again before anything else is sent over it',
    ],
  },
  {
    what: 'another spec under the same apply id',
    refused: 'the start: a conflict that shows the difference',
    checkedIn: ['client/start-apply.ts'],
    tests: [
      'test/workflows/catalogue.integration.test.ts > another spec under the id of a running apply > is a conflict that shows the difference, leaves no event and reaches no engine',
      'test/client/cli/cli.integration.test.ts > plan and apply > another spec under an id that is taken is a conflict that shows the difference, and starts nothing',
    ],
  },
  {
    what: 'a plan file that was changed after it was written, or that an engine would not plan any more',
    refused: 'the apply',
    checkedIn: ['client/plan-file.ts'],
    tests: [
      'test/client/plan.test.ts > a reviewed plan in a file > is refused when a single statement in it was changed',
      'test/client/plan.test.ts > a reviewed plan in a file > is refused where an engine plans something else now, and accepted where the change is there already',
    ],
  },
  {
    what: 'a payload over the limit',
    refused: 'the spec, the apply or the call, with its size and the limit',
    checkedIn: ['client/schema-folder.ts', 'client/plan.ts', 'tern/grpc-engine.ts'],
    tests: [
      'test/client/spec-file.test.ts > a spec with mistakes > a schema above the limit names its size, the limit and its largest file',
      'test/client/plan.test.ts > reviewing plans > a schema and plan that are too large to be carried are refused with their size and the limit',
      'test/tern/grpc-engine.test.ts > a request above 4 MiB is never sent, and an answer of more than 4 MiB is read (C42)',
      'test/activities/dispatch.test.ts > dispatch > knows that what was too large never left, and that what was refused did',
    ],
  },
  {
    what: 'more deployments than an apply can have',
    refused: 'the spec, saying how to split',
    checkedIn: ['domain/parse-spec.ts'],
    tests: [
      'test/domain/parse-spec.test.ts > a spec is refused > with more deployments than an apply can have, and says how to split',
    ],
  },
  {
    what: 'a target that another apply holds',
    refused: 'the whole apply, before anything is sent; the holder is named',
    checkedIn: ['workflows/reservation.ts'],
    tests: [
      'test/workflows/remote-ids.integration.test.ts > two applies on one target > the second is refused before it dispatched anything, names the holder, and gives its other targets back',
      'test/workflows/catalogue.integration.test.ts > a stopped apply whose target another one took > is not started while that one runs: it is named, nothing is sent, and a later start goes on',
    ],
  },
  {
    what: 'a key that was used for another database, type or environment',
    refused: 'the dispatch, by the engine',
    checkedIn: ['engine/calls/apply-call.ts', 'domain/ids.ts'],
    tests: [
      'test/engine/conformance.ts > engine conformance: ${name} > apply > E25 refuses a key that was used for another database, type or environment',
      'test/domain/ids.test.ts > an idempotency key > cannot be made equal by names, because no name holds a slash',
    ],
  },
  {
    what: 'a plan with statements per shard',
    refused: 'the plan',
    checkedIn: ['tern/codec-plan.ts'],
    tests: ['test/tern/codec-plan.test.ts > a plan with statements per shard is no plan'],
  },
  {
    what: 'a Cutover, a revert or a Start where the engine is somewhere else',
    refused: 'the call is not sent',
    checkedIn: ['activities/go-on.ts', 'activities/revert.ts'],
    tests: [
      'test/activities/controls.test.ts > cutover > is only sent to what is parked: %s gets %j',
      'test/activities/controls.test.ts > a revert, and giving the window up > %s > is only sent while the window is open: %s gets %j',
      'test/activities/controls.test.ts > a revert, and giving the window up > %s > of what is not there yet is refused without a call, naming the state',
      'test/activities/controls.test.ts > start > asks first: what is %s gets %j',
    ],
  },
  {
    what: 'a state that is in no contract',
    refused: 'being taken for an end: it is `running`, and blocks',
    checkedIn: ['tern/codec.ts'],
    tests: [
      'test/workflows/truth.integration.test.ts > states that are no end > a state that is in no contract is running, visible by its number, and blocks',
      'test/tern/codec.test.ts > a state that is not in the contract is running and visible (C20)',
    ],
  },
  {
    what: 'nothing in an answer because of an error',
    refused: 'being taken for nothing to do: it is no verification and no plan',
    checkedIn: ['activities/verify-plan.ts', 'tern/codec-plan.ts'],
    tests: [
      'test/workflows/truth.integration.test.ts > a verification that cannot be read > because the answer has problems in it is no verification either',
      'test/activities/controls.test.ts > the verification of a plan > with problems in the diff is no verification: neither done nor missing',
      'test/workflows/truth.integration.test.ts > a verification that cannot be read > leaves a completion running, in phase verifying, until it can',
      'test/tern/grpc-engine.test.ts > a plan without id and without errors is not believed',
    ],
  },
  {
    what: 'an attempt whose worker stood still',
    refused: 'its call: by then the attempt is somebody else’s',
    checkedIn: ['activities/beat.ts'],
    tests: [
      'test/activities/dispatch.test.ts > dispatch > sends nothing from a process that stood still so long that the attempt is somebody else’s',
      'test/activities/controls.test.ts > start > ends at once in a process that stood still, instead of going round',
    ],
  },
  {
    what: 'nobody can tell whether it happened',
    refused: 'being taken for a failure or a success (I12)',
    checkedIn: ['domain/failure.ts', 'tern/status.ts'],
    tests: [
      'test/domain/failure.test.ts > a failure > after which something may have happened is never read as one after which nothing did (I12)',
      'test/tern/status.test.ts > no status of a call that was sent says that it was not sent',
      'test/tern/status.test.ts > a status that may come after the engine committed is never a definite failure of a call that changes state (C04)',
    ],
  },
];
