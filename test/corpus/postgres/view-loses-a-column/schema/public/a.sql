CREATE TABLE t (id int, k text);
CREATE VIEW v AS SELECT id FROM t;
