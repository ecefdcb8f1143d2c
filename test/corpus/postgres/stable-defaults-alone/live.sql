CREATE TABLE t (id int);
INSERT INTO t SELECT g FROM generate_series(1, 20) g;
