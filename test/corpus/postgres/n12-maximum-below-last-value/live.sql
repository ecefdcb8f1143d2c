CREATE SEQUENCE s;
SELECT setval('s', 500);
CREATE TABLE t (id int);
