import type { Control } from './apply.js';
import type { Situation } from './derive.js';
import { listNames } from './listing.js';
import type { OperationFacts } from './operation.js';

/** A control as a person sends it to a running apply. */
export interface ControlRequest {
  readonly name: Control;
  /** The deployments it names; empty means the whole apply, or all it can apply to. */
  readonly deployments: readonly string[];
  /** Instead of names: all that it can be done to. For `skip`, `revert` and `skip-revert`, which otherwise must name some. */
  readonly all: boolean;
  /** Only for `approve` and `reject`: the wave; null means the one whose gate is waited for. */
  readonly wave: string | null;
  /** Only for `skip`: ends an operation whose engine does not answer or confirm (design 4). */
  readonly unconfirmed: boolean;
  /** Only for `skip`, where it is required: why. */
  readonly reason: string | null;
  /** The environment the sender believes the apply to be in; refused when it is another. Null skips the check. */
  readonly environment: string | null;
}

/** Answer to a control. Nothing changes unless it is accepted. */
export type Admission =
  /** `deployments`: the ones it is carried out on; empty for the whole apply. `wave`: for `approve` and `reject`. */
  | { readonly kind: 'accepted'; readonly deployments: readonly string[]; readonly wave: string | null }
  /** In force or done already. */
  | { readonly kind: 'already' }
  /** The text names the rule, the ids and the next step. */
  | { readonly kind: 'refused'; readonly because: string };

/** The apply that a control is sent to. */
export interface ControlSituation extends Situation {
  readonly apply: string;
  readonly environment: string;
}

export function accept(deployments: readonly OperationFacts[]): Admission {
  return { kind: 'accepted', deployments: deployments.map(({ deployment }) => deployment), wave: null };
}

export function refuse(because: string): Admission {
  return { kind: 'refused', because };
}

export const ALREADY: Admission = { kind: 'already' };

/** Controls that move the rollout forward give way to a stop or a cancel (precedence, design 5). */
export function refuseAfterHalt(name: Control, { apply, controls }: ControlSituation): Admission | null {
  if (controls.cancel) return refuse(`apply ${apply} is being cancelled, which is final; ${name} is refused`);
  if (controls.stop)
    return refuse(
      `apply ${apply} is being stopped; wait until it has ended, then ${name === 'retry' ? 'retry' : 'start'}${name === 'release' ? ' --release' : ''}`,
    );
  return null;
}

/** The operations that a request names, in rollout order. */
export function namedIn(request: ControlRequest, { operations }: ControlSituation): readonly OperationFacts[] {
  return operations.filter(({ deployment }) => request.deployments.includes(deployment));
}

export function describeStates(operations: readonly Pick<OperationFacts, 'deployment' | 'state'>[]): string {
  return listNames(operations.map((operation) => `${operation.deployment} is ${operation.state}`));
}
