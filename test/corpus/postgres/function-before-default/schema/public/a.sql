CREATE FUNCTION code() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'x' $$;
CREATE TABLE t (id int, k text);
CREATE TABLE n (k text DEFAULT code(), CONSTRAINT c CHECK (k <> code()));
