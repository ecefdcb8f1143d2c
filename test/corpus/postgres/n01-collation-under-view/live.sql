CREATE TABLE t (k text);
CREATE VIEW v AS SELECT k FROM t;
INSERT INTO t SELECT 'a' FROM generate_series(1, 20);
