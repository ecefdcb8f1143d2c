CREATE TABLE t (k text, j int DEFAULT 4);
INSERT INTO t SELECT 'a', g FROM generate_series(1, 20) g;
