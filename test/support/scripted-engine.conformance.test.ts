import { engineConformance } from '../engine/conformance.js';
import type { Files } from '../engine/raw-client.js';
import { startScriptedEngine } from './scripted-engine.js';

const ITEMS = 'CREATE TABLE items (id bigint, name text, size integer);';
const EXTRAS = 'CREATE TABLE extras (id bigint);';
const TARGET = 'orders_eu';

function schema(...statements: readonly string[]): Files {
  return { public: { 'tables.sql': ITEMS + EXTRAS, 'more.sql': statements.join('\n') } };
}

/** The fake is held to the same contract as the real engine. It keeps nothing, so there is no restart. */
engineConformance({
  name: 'the scripted engine',
  start: async () => {
    const engine = await startScriptedEngine({ targets: [TARGET] });
    return {
      address: engine.address,
      target: TARGET,
      schemas: {
        base: schema(),
        additive: schema('CREATE INDEX items_name ON items (name);'),
        other: schema('CREATE INDEX items_size ON items (size);'),
        further: schema('CREATE INDEX items_name ON items (name);', 'CREATE INDEX items_size ON items (size);'),
        visible: schema('CREATE TABLE notes (id bigint);'),
        additiveAndVisible: schema('CREATE INDEX items_name ON items (name);', 'CREATE TABLE notes (id bigint);'),
        destructive: { public: { 'tables.sql': ITEMS } },
        invalid: { public: { 'broken.sql': 'CRATE TABLE items (id bigint);' } },
        blocked: schema('-- blocked: it rewrites the table\nALTER TABLE items ALTER size TYPE bigint;'),
        failing: schema('-- fails: 500 rows share a size\nCREATE UNIQUE INDEX items_size ON items (size);'),
      },
      fresh: async () => engine.addTarget({ name: TARGET, live: [ITEMS, EXTRAS] }),
      hold: async () => {
        engine.script(TARGET, { steps: [{ state: 'STATE_RUNNING', holds: true }] });
        return async () => engine.behave(TARGET);
      },
      effects: async () => engine.changesMade(TARGET),
      drift: async () => engine.changeLiveSchema(TARGET, ['CREATE TABLE surprise (id int)']),
      restart: null,
      close: () => engine.stop(),
    };
  },
});
