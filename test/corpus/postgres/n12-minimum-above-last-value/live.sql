CREATE SEQUENCE s;
SELECT nextval('s');
CREATE TABLE t (id int);
