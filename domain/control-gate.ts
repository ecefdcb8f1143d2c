import {
  ALREADY,
  type Admission,
  type ControlRequest,
  type ControlSituation,
  refuse,
  refuseAfterHalt,
} from './admission.js';
import { nextWave } from './wave.js';

/** The human's yes or no before a gated wave (design 5). */

export function admitApprove(request: ControlRequest, situation: ControlSituation): Admission {
  return admitAnswer(request, situation, ({ name, facts }) => {
    if (facts.barred !== null)
      return refuse(
        `apply ${situation.apply}: wave ${name} ${facts.barred === 'deadline' ? 'expired' : 'was rejected'} and has ended; go on with start once the apply has ended`,
      );
    return facts.started || facts.approved ? ALREADY : null;
  });
}

export function admitReject(request: ControlRequest, situation: ControlSituation): Admission {
  return admitAnswer(request, situation, ({ name, facts }) => {
    if (facts.barred !== null) return ALREADY;
    return facts.started
      ? refuse(
          `apply ${situation.apply}: wave ${name} has started; end it with stop, or leave deployments out with skip`,
        )
      : null;
  });
}

type GatedWave = { readonly name: string; readonly facts: ControlSituation['waves'][number] };

function admitAnswer(
  request: ControlRequest,
  situation: ControlSituation,
  judge: (wave: GatedWave) => Admission | null,
): Admission {
  const { apply, policy, operations, waves } = situation;
  const forbidden = refuseAfterHalt(request.name, situation);
  if (forbidden !== null) return forbidden;
  const gated = policy.waves.filter(({ gate }) => gate === 'manual').map(({ name }) => name);
  if (gated.length === 0)
    return refuse(`apply ${apply} has no gates, so there is nothing to ${request.name}; its waves start by themselves`);
  const next = nextWave(policy, operations, waves);
  const waitedFor = next?.waitsFor === 'gate' ? next.index : -1;
  const index = request.wave === null ? waitedFor : policy.waves.findIndex(({ name }) => name === request.wave);
  const wave = policy.waves[index];
  const facts = waves[index];
  if (wave === undefined || facts === undefined) {
    const what = request.wave === null ? 'no gate is waited for now' : `there is no wave ${request.wave}`;
    return refuse(`${request.name} of apply ${apply}: ${what}; name a gated wave: --wave ${gated.join(' | ')}`);
  }
  if (wave.gate !== 'manual')
    return refuse(`${request.name} of apply ${apply}: wave ${wave.name} has no gate; gated are ${gated.join(', ')}`);
  return judge({ name: wave.name, facts }) ?? { kind: 'accepted', deployments: [], wave: wave.name };
}
