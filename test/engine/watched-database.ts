import type { Client } from 'pg';

/**
 * Makes a database count what an engine really does there: every committed DDL statement of a session of the engine is a
 * row of `watch.effects`. The engine knows nothing of it, and a statement that is rolled back leaves nothing.
 */
export async function watchEffects(admin: Client): Promise<void> {
  await admin.query(`
    CREATE SCHEMA watch;
    CREATE TABLE watch.effects (at timestamptz DEFAULT clock_timestamp(), command text, query text);
    CREATE FUNCTION watch.note() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF current_setting('application_name') LIKE 'skein-engine%' AND current_query() NOT LIKE '%_skein%' THEN
        INSERT INTO watch.effects (command, query) VALUES (tg_tag, current_query());
      END IF;
    END $$;
    CREATE EVENT TRIGGER watch_effects ON ddl_command_end
      WHEN tag IN ('CREATE INDEX', 'ALTER TABLE', 'CREATE TABLE', 'DROP TABLE', 'CREATE VIEW')
      EXECUTE FUNCTION watch.note();
  `);
}
