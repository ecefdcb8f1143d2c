/** The library: everything another program may use. */
export type { ApplyStatus } from '../domain/status.js';
export type { OperationStatus } from '../domain/operation-status.js';
export type { WaitingStatus } from '../domain/waiting.js';
export type { WaveRecord } from '../domain/wave.js';
export type { ApplyState, EndReason, OperationState } from '../domain/state.js';
export type { ApplySpec, DeploymentSpec, RolloutPolicy, RolloutSpec, WavePolicy, WaveSpec } from '../domain/spec.js';
export type { DeploymentLogs, EngineLog } from '../domain/log.js';
export type { PlanProblem } from '../domain/planning.js';
export type { ControlEffect } from '../workflows/messages.js';
export type { ConnectOptions } from './connect.js';
export type { ControlReport } from './controls.js';
export { SkeinError, type SkeinErrorKind } from './errors.js';
export type { ListOptions, ListedApply } from './list.js';
export type { LogsOptions } from './logs.js';
export { type RolloutPlan, type RolloutPlanClass, isNothingToDo, openProblems } from './plan.js';
export { readPlanFile, refuseOtherPlan, writePlanFile } from './plan-file.js';
export type { ResumedApply } from './resume.js';
export type {
  ApplyOptions,
  CancelOptions,
  ControlOptions,
  CutoverOptions,
  GateOptions,
  RetryOptions,
  SkipOptions,
  StartOptions,
  WindowOptions,
} from './options.js';
export { SkeinClient } from './skein-client.js';
export { type SpecFile, type SpecFileIssue, readSpecFile } from './spec-file.js';
export type { StartedApply } from './start-apply.js';
export type { WatchOptions } from './watch.js';
export { type DeploymentExplanation, type Explanation, explainStatus } from './why.js';
