import { buildFactBase, type DependencyEdge, type Fact, type FactBase, type StableId } from '@supabase/pg-delta/core';
import type { LiveCatalogue } from '../../engine/postgres/planning/live-catalogue.js';

/** A table of a made-up schema. Null: not there. */
export interface TableModel {
  readonly collation: string | null;
  readonly defaultOf: string | null;
  readonly hasSecondColumn: boolean;
  readonly partitionKey: string | null;
  readonly ownsSequence: boolean;
  readonly policy: string | null;
  readonly trigger: string | null;
  readonly view: string | null;
  readonly materializedView: string | null;
  readonly check: string | null;
  readonly comment: string | null;
  readonly rowSecurity: boolean;
}

/** Tables by name. */
export type SchemaModel = Readonly<Record<string, TableModel | null>>;

const SCHEMA = { kind: 'schema', name: 'public' } as const;
const TOUCH: StableId = { kind: 'function', schema: 'public', name: 'touch', args: [] };

/** The facts that reading a database of this schema gives. */
export function factsOf(model: SchemaModel): FactBase {
  const facts: Fact[] = [
    { id: SCHEMA, payload: {} },
    {
      id: TOUCH,
      parent: SCHEMA,
      payload: {
        def: 'CREATE OR REPLACE FUNCTION public.touch()\n RETURNS trigger\n LANGUAGE plpgsql\nAS $function$BEGIN RETURN NEW; END$function$\n',
        returnType: 'trigger',
        argSignature: '',
        language: 'plpgsql',
        isWindow: false,
      },
    },
  ];
  const edges: DependencyEdge[] = [];
  for (const [name, table] of Object.entries(model)) if (table !== null) addTable({ facts, edges }, name, table);
  return buildFactBase(facts, edges);
}

export function catalogueOf(model: SchemaModel): LiveCatalogue {
  return {
    facts: factsOf(model),
    serverVersion: '18.4',
    serverMajor: 18,
    unvalidatedNotNull: new Map(),
    sizes: new Map(),
  };
}

interface Growing {
  readonly facts: Fact[];
  readonly edges: DependencyEdge[];
}

function addTable({ facts, edges }: Growing, name: string, model: TableModel): void {
  const table = { kind: 'table', schema: 'public', name } as const;
  const part = <Kind extends 'column' | 'default' | 'policy' | 'trigger' | 'constraint'>(kind: Kind, own: string) =>
    ({ kind, schema: 'public', table: name, name: own }) as const;
  const k = part('column', 'k');
  const add = (id: StableId, parent: StableId, payload: Fact['payload'], ...restsOn: readonly StableId[]) => {
    facts.push({ id, parent, payload });
    for (const to of restsOn) edges.push({ from: id, to, kind: 'depends' });
  };
  add(table, SCHEMA, {
    persistence: 'p',
    rowSecurity: model.rowSecurity,
    forceRowSecurity: false,
    replicaIdentity: 'd',
    replicaIdentityIndex: null,
    partitionKey: model.partitionKey,
    partitionBound: null,
    parentTable: null,
    reloptions: null,
  });
  const column = { notNull: false, identity: null, generatedExpr: null };
  add(k, table, { ...column, _position: 1, type: 'text', collation: model.collation });
  if (model.hasSecondColumn)
    add(part('column', 'j'), table, { ...column, _position: 2, type: 'integer', collation: null });
  if (model.defaultOf !== null) add(part('default', 'k'), k, { expr: model.defaultOf }, k);
  if (model.ownsSequence) {
    const limits = { start: '1', increment: '1', minValue: '1', maxValue: '9', cache: '1', cycle: false };
    const ownedBy = { schema: 'public', table: name, column: 'k' };
    add({ kind: 'sequence', schema: 'public', name: `${name}_seq` }, SCHEMA, {
      dataType: 'bigint',
      ...limits,
      ownedBy,
    });
  }
  if (model.policy !== null) {
    const payload = { cmd: '*', permissive: true, usingExpr: model.policy, checkExpr: null, roles: ['PUBLIC'] };
    add(part('policy', 'p'), table, payload, table, k);
  }
  if (model.trigger !== null) {
    const def = `CREATE TRIGGER g ${model.trigger} ON public.${name} FOR EACH ROW EXECUTE FUNCTION public.touch()`;
    add(part('trigger', 'g'), table, { def, enabled: 'O' }, table, TOUCH);
  }
  if (model.check !== null) {
    add(part('constraint', 'c'), table, { def: `CHECK (${model.check})`, type: 'c', validated: true }, k);
  }
  if (model.comment !== null) add({ kind: 'comment', target: table }, table, { text: model.comment });
  const view = { def: ` SELECT k AS ${model.view ?? ''}\n   FROM public.${name};`, reloptions: null };
  if (model.view !== null) add({ kind: 'view', schema: 'public', name: `v_${name}` }, SCHEMA, view, k);
  if (model.materializedView !== null) {
    const held = { def: ` SELECT k AS ${model.materializedView}\n   FROM public.${name};`, reloptions: null };
    add({ kind: 'materializedView', schema: 'public', name: `m_${name}` }, SCHEMA, held, k);
  }
}
