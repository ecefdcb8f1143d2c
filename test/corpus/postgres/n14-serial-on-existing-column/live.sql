CREATE TABLE t (i int PRIMARY KEY);
INSERT INTO t SELECT g FROM generate_series(1, 50) g;
