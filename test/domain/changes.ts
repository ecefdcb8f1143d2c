import type { TableChange } from '../../domain/plan.js';

/** A change as an engine states it, unless the test says more. */
export function change(ddl: string, given: Partial<TableChange> = {}): TableChange {
  return {
    namespace: 'app',
    table: 'u',
    ddl,
    changeType: 'alter',
    unsafe: false,
    unsafeReason: '',
    blocked: false,
    modeReason: '',
    estimatedRows: null,
    ...given,
  };
}
