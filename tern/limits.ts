import type { ChannelOptions } from '@grpc/grpc-js';

/**
 * How long one call may take before its outcome counts as unknown (engine contract C40). Every call has exactly one
 * deadline; repeating is the caller's.
 */
export const DEADLINE_MS = {
  health: 10_000,
  // Reads the whole live schema, which takes minutes on large ones (engine contract 5.2).
  plan: 300_000,
  planDiff: 300_000,
  // The engine answers before the work is done; long enough for its conflict check (engine contract 2.3 step 6).
  apply: 30_000,
  findApply: 10_000,
  progress: 10_000,
  // Records a request; the effect comes later.
  control: 30_000,
  // Revert and SkipRevert are carried out before the answer (engine contract 2.6). One that takes longer is ambiguous, and
  // the state tells what became of it: a person waits, so minutes as in the reference client (5.2) are too long.
  revert: 30_000,
  logs: 30_000,
} as const;

/** Classes of calls whose deadline a worker may set for the engines it reaches. */
export const DEADLINE_CLASSES = ['plan', 'apply', 'read', 'control'] as const;

export type DeadlineClass = (typeof DEADLINE_CLASSES)[number];

const CLASS_OF: Readonly<Record<keyof typeof DEADLINE_MS, DeadlineClass>> = {
  plan: 'plan',
  planDiff: 'plan',
  apply: 'apply',
  health: 'read',
  findApply: 'read',
  progress: 'read',
  logs: 'read',
  control: 'control',
  revert: 'control',
};

/** The deadline of one call: that of its class where the worker sets one, and never above the cap. */
export function deadlineMsOf(call: keyof typeof DEADLINE_MS, patience: Patience): number {
  return Math.min(patience.deadlinesMs[CLASS_OF[call]] ?? DEADLINE_MS[call], patience.deadlineMsMax);
}

/** How patient a client is. Both have defaults that suit production; tests of what happens then are less patient. */
export interface Patience {
  /** How long a call waits for the connection before it is given up as never sent. Default 5,000 ms. */
  readonly connectTimeoutMs: number;
  /** Deadlines per class of call, in milliseconds. Default: `DEADLINE_MS`. */
  readonly deadlinesMs: Readonly<Partial<Record<DeadlineClass, number>>>;
  /** Caps the deadline of every call. Default: no cap. */
  readonly deadlineMsMax: number;
}

export const PATIENCE: Patience = {
  connectTimeoutMs: 5_000,
  deadlinesMs: {},
  deadlineMsMax: Number.POSITIVE_INFINITY,
};

const MEBIBYTE = 1024 * 1024;

/** The largest request that an engine accepts (engine contract 2.8). A larger one is never sent (C42). */
export const SEND_BYTES_MAX = 4 * MEBIBYTE;

/** The largest answer that is read (C42). */
export const RECEIVE_BYTES_MAX = 16 * MEBIBYTE;

/** The longest text of an engine that is kept; the rest of a longer one is counted, not carried. */
export const TEXT_CHARACTERS_MAX = 4_000;

export const CHANNEL_OPTIONS: ChannelOptions = {
  // A repeat of a call that changes state is a decision, and Temporal makes it (C41).
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.max_receive_message_length': RECEIVE_BYTES_MAX,
  'grpc.max_send_message_length': SEND_BYTES_MAX,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // Pings faster than every five minutes get the connection closed by a Go server with default settings (C43).
  'grpc.keepalive_time_ms': 330_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.keepalive_permit_without_calls': 0,
  // The address in the configuration is the one that is spoken to, whatever the environment says about proxies.
  'grpc.enable_http_proxy': 0,
  // Deployments share no sockets, so that a dead one is nobody else's trouble (C46).
  'grpc.use_local_subchannel_pool': 1,
};
