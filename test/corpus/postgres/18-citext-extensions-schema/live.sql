CREATE EXTENSION citext WITH SCHEMA extensions;
CREATE EXTENSION pgcrypto WITH SCHEMA extensions;
CREATE EXTENSION pg_trgm WITH SCHEMA extensions;
CREATE TABLE zone (code extensions.citext PRIMARY KEY, descr extensions.citext, a int, b int,
  CONSTRAINT zone_ck CHECK (num_nulls(a,b) = 1 AND code OPERATOR(extensions.<>) 'STATUS'::extensions.citext));
CREATE INDEX zone_trgm ON zone USING gin ((descr::text) extensions.gin_trgm_ops);
