CREATE TABLE t (k text, j int, CONSTRAINT c CHECK (j > 0));
INSERT INTO t VALUES ('a', 1);
