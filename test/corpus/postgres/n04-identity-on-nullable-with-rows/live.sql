CREATE TABLE t (i int);
INSERT INTO t SELECT g FROM generate_series(1, 20) g;
