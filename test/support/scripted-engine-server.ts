import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import {
  Server,
  type ServerCredentials,
  type handleUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { LookupService } from '../../proto/gen/lookup.js';
import { TernService } from '../../proto/gen/tern.js';
import { type Handlers, NO_COUNTS, type RequestFields } from './scripted-engine-calls.js';
import type { Faults } from './scripted-engine-faults.js';
import type { Ledger, LedgerCall, Rpc } from './scripted-engine-ledger.js';
import type { ScriptedPlane } from './scripted-engine-plane.js';
import { type Dialect, StatusOutcome } from './scripted-engine-plans.js';

export interface Wiring {
  readonly plane: ScriptedPlane;
  readonly handlers: Handlers;
  readonly faults: Faults;
  readonly ledger: Ledger;
  readonly lookup: boolean;
}

/** A gRPC server for the plane; resolves with its port once it listens. Port 0 takes a free one. */
export async function listen(
  wiring: Wiring,
  port: number,
  credentials: ServerCredentials,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = new Server();
  const definition = definitionOf(wiring.plane.dialect);
  server.addService(definition, implementationOf(definition, wiring));
  if (wiring.lookup) server.addService(LookupService, implementationOf(LookupService, wiring));
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, actual) => {
      if (error === null) resolve(actual);
      else reject(error);
    });
  });
  return { server, port: bound };
}

/** Calls that the old dialect has, and the fields it reads where the renumbered one has others (engine contract 1.3). */
const OLD_CALLS: readonly string[] = [
  'plan',
  'apply',
  'progress',
  'cutover',
  'revert',
  'skipRevert',
  'health',
  'stop',
  'start',
];
const OLD_NUMBERING: readonly string[] = ['progress', 'cutover', 'revert', 'skipRevert', 'stop', 'start'];

function definitionOf(dialect: Dialect): ServiceDefinition {
  if (dialect !== 'old') return TernService;
  return Object.fromEntries(
    Object.entries(TernService)
      .filter(([name]) => OLD_CALLS.includes(name))
      .map(([name, method]) => [
        name,
        OLD_NUMBERING.includes(name) ? { ...method, requestDeserialize: readOldRequest } : method,
      ]),
  );
}

/** database = 1, type = 2, environment = 3, apply_id = 4. What a renumbered client sends as apply_id arrives as database. */
function readOldRequest(bytes: Buffer): RequestFields {
  const fields: Record<number, string> = {};
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.LengthDelimited) fields[field] = reader.string();
    else reader.skip(type);
  }
  return { applyId: fields[4] ?? '', environment: fields[3] ?? '', caller: '' };
}

function implementationOf(definition: ServiceDefinition, wiring: Wiring): UntypedServiceImplementation {
  return Object.fromEntries(
    Object.entries(definition).flatMap(([name, method]) => {
      const rpc = method.path.split('/').at(-1) ?? '';
      return isRpc(rpc, wiring.handlers) ? [[name, unary(rpc, wiring)]] : [];
    }),
  );
}

function isRpc(name: string, handlers: Handlers): name is Rpc {
  return Object.hasOwn(handlers, name);
}

function unary(rpc: Rpc, wiring: Wiring): handleUnaryCall<RequestFields, object> {
  return (call, callback) => {
    const answer = async (): Promise<void> => {
      const outcome = await serve(rpc, call.request, wiring).catch((error: unknown) => statusOutcomeOf(error));
      if (outcome instanceof StatusOutcome) callback({ code: outcome.code, details: outcome.message });
      else if (outcome !== 'swallowed') callback(null, outcome);
    };
    void answer();
  };
}

function statusOutcomeOf(error: unknown): StatusOutcome {
  if (error instanceof StatusOutcome) return error;
  return new StatusOutcome('INTERNAL', error instanceof Error ? (error.stack ?? error.message) : String(error));
}

async function serve(rpc: Rpc, request: RequestFields, wiring: Wiring): Promise<object | 'swallowed'> {
  const call = record(rpc, request, wiring);
  const { ledger } = wiring;
  const fault = wiring.faults.take(rpc, call.target);
  const action = fault?.action ?? null;
  try {
    if (action?.kind === 'error_before') throw new StatusOutcome(action.status, action.message ?? 'scripted fault');
    if (action?.kind === 'hang') return swallow(call, ledger);
    if (action?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, action.delayMs));
    if (action?.kind === 'hold_before') await fault?.released;
    const response = carryOut(rpc, request, wiring);
    if (action?.kind === 'swallow') return swallow(call, ledger);
    if (action?.kind === 'error_after') throw new StatusOutcome(action.status, action.message ?? 'scripted fault');
    if (action?.kind === 'hold_after') await fault?.released;
    const { accepted, applyId } = response;
    ledger.settleCall(call, accepted === undefined ? 'answered' : accepted ? 'accepted' : 'refused', applyId);
    return action?.kind === 'rewrite' ? { ...response, ...action.rewrite({ ...response }) } : response;
  } catch (error) {
    ledger.settleCall(call, error instanceof StatusOutcome ? status[error.code] : 'INTERNAL');
    throw error;
  }
}

interface AnswerFields {
  readonly accepted?: boolean;
  readonly applyId?: string;
}

function carryOut(rpc: Rpc, request: RequestFields, { plane, handlers, ledger }: Wiring): AnswerFields {
  if (plane.dialect === 'old' && OLD_CONTROLS.has(rpc) && (request.applyId ?? '') === '') {
    // Without an apply id the old dialect acts on whatever is active: the accident that the probe is there to prevent.
    for (const apply of plane.applies) if (!apply.hasEnded) apply.halt();
    ledger.recordEffect('stopped_everything', { target: '', remoteApplyId: '', idempotencyKey: '' });
    return ACCEPTED;
  }
  // Each handler is given the request that its own method of the service definition decoded.
  const handler = handlers[rpc] as (request: RequestFields) => AnswerFields;
  return handler(request);
}

const ACCEPTED = { ...NO_COUNTS, accepted: true, errorMessage: '' };

const OLD_CONTROLS: ReadonlySet<Rpc> = new Set(['Stop', 'Start', 'Cutover']);

function swallow(call: LedgerCall, ledger: Ledger): 'swallowed' {
  ledger.settleCall(call, 'swallowed');
  return 'swallowed';
}

function record(rpc: Rpc, request: RequestFields, { plane, ledger }: Wiring): LedgerCall {
  const {
    applyId = '',
    applyOperationId = '',
    idempotencyKey = '',
    target = '',
    caller = '',
    environment = '',
  } = request;
  return ledger.recordCall({
    rpc,
    target: target || (plane.find(applyId)?.identity.target ?? ''),
    remoteApplyId: applyId,
    operationId: applyOperationId,
    idempotencyKey,
    caller,
    environment,
  });
}
