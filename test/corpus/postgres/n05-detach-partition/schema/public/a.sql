CREATE TABLE t (k text, j int) PARTITION BY LIST (k);
CREATE TABLE t_a (k text, j int);
