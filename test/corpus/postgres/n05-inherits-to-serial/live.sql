CREATE TABLE base (id int NOT NULL, k text);
CREATE TABLE t (n int) INHERITS (base);
INSERT INTO t (id, k, n) VALUES (1, 'a', 10), (2, 'b', 20);
