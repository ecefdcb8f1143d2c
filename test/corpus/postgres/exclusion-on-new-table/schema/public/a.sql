CREATE TABLE t (r int4range, EXCLUDE USING gist (r WITH &&));
CREATE UNIQUE INDEX u ON t (lower(r)) WHERE NOT isempty(r);
