CREATE TABLE t (k text DEFAULT 'x');
INSERT INTO t SELECT 'a' FROM generate_series(1, 20);
