import type { status } from '@grpc/grpc-js';
import type { PlanInput, SchemaProblems } from '../../target.js';
import type { Comparison, StoredSchema } from './planner.js';
import type { ScratchServer } from './scratch.js';

/** A target as the thread needs it to plan there, with connections of its own. */
export interface PlannedTarget {
  readonly name: string;
  readonly dsn: string;
  /** Where the desired schema is loaded. */
  readonly scratch: ScratchServer;
}

export type PlanningWork =
  | { readonly kind: 'plan'; readonly input: PlanInput }
  | { readonly kind: 'plan_again'; readonly stored: StoredSchema };

/** From the engine to the thread. `forget`: nobody waits for this call any more. */
export type PlanningRequest =
  | { readonly kind: 'call'; readonly id: number; readonly target: PlannedTarget; readonly work: PlanningWork }
  | { readonly kind: 'forget'; readonly id: number };

/** From the thread to the engine. `alive` comes every second: the thread is not held by one piece of work. */
export type PlanningReply =
  | { readonly kind: 'alive' }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Comparison | SchemaProblems }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: PlanningFailure };

/** An error on its way between threads, which keep no classes. */
export type PlanningFailure =
  | { readonly kind: 'call'; readonly code: status; readonly message: string }
  | { readonly kind: 'configuration'; readonly message: string }
  | { readonly kind: 'other'; readonly message: string; readonly stack: string };
