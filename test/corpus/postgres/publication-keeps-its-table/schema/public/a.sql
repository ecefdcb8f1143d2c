CREATE TABLE t (id int PRIMARY KEY, k varchar(18), n int);
CREATE INDEX t_k ON t (k);
