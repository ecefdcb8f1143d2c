CREATE DOMAIN d AS text;
CREATE TABLE t (a text);
