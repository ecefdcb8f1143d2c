CREATE TABLE t (i int, k text DEFAULT 'x');
INSERT INTO t VALUES (1, 'a'), (2, 'b');
