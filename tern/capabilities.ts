/**
 * What an engine may offer beyond the base contract, by the name it uses in HealthResponse.capabilities. A request that
 * needs one is not sent to an engine that does not name it (engine contract 2.9).
 */
export const CAPABILITY = {
  /** The service skein.engine.v1.Lookup is served on the same port. */
  lookupByKey: 'skein.lookup_by_key',
  /** DirectExecutionPolicy.max_table_bytes is honoured (C44). */
  maxTableBytes: 'direct_execution.max_table_bytes',
} as const;
