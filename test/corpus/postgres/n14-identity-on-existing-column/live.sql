CREATE TABLE t (i bigint PRIMARY KEY);
INSERT INTO t SELECT g FROM generate_series(1, 50) g;
