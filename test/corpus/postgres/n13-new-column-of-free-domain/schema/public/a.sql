CREATE DOMAIN d AS text;
CREATE TABLE t (id int, a d);
