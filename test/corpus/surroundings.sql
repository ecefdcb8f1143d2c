-- What the files do not say and an apply has to keep: who owns an object, who may use it, and which publications send a
-- table. A row per object and property; `value` is null where there is nothing.
WITH namespace AS (
  SELECT oid, nspname FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '_skein')
), relation AS (
  SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S')
)
SELECT name AS object, 'owner' AS property, pg_get_userbyid(relowner)::text AS value FROM relation
UNION ALL
SELECT name, 'privileges', (SELECT string_agg(p::text, ', ' ORDER BY p::text) FROM unnest(relacl) p) FROM relation
UNION ALL
SELECT format('%s.%I', name, attname), 'privileges', (SELECT string_agg(p::text, ', ' ORDER BY p::text) FROM unnest(attacl) p)
FROM relation JOIN pg_attribute ON attrelid = relation.oid WHERE attnum > 0 AND NOT attisdropped
UNION ALL
SELECT name, 'publications', (SELECT string_agg(pubname, ', ' ORDER BY pubname) FROM pg_publication_rel r JOIN pg_publication p ON p.oid = prpubid WHERE prrelid = relation.oid)
FROM relation WHERE relkind IN ('r', 'p')
UNION ALL
SELECT p.oid::regprocedure::text, 'owner', pg_get_userbyid(proowner)::text FROM pg_proc p JOIN namespace n ON n.oid = p.pronamespace
UNION ALL
SELECT p.oid::regprocedure::text, 'privileges', (SELECT string_agg(a::text, ', ' ORDER BY a::text) FROM unnest(proacl) a)
FROM pg_proc p JOIN namespace n ON n.oid = p.pronamespace
UNION ALL
SELECT 'schema ' || nspname, 'privileges', (SELECT string_agg(a::text, ', ' ORDER BY a::text) FROM pg_namespace s, unnest(s.nspacl) a WHERE s.oid = namespace.oid)
FROM namespace
UNION ALL
SELECT 'type ' || t.oid::regtype::text, 'privileges', (SELECT string_agg(a::text, ', ' ORDER BY a::text) FROM unnest(typacl) a)
FROM pg_type t JOIN namespace n ON n.oid = t.typnamespace
