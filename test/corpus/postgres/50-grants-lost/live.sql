CREATE TABLE t (id int PRIMARY KEY, code varchar(10));
CREATE VIEW v AS SELECT id, code FROM t;
GRANT SELECT ON v TO reader;
