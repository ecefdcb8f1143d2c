CREATE VIEW d AS SELECT 'a'::text AS k;
