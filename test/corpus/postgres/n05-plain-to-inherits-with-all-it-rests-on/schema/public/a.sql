CREATE TABLE base (id int NOT NULL);
CREATE TABLE t (k text) INHERITS (base);
