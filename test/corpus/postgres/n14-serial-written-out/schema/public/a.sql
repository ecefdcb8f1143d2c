CREATE SEQUENCE t_numbers;
CREATE TABLE t (i int PRIMARY KEY DEFAULT nextval('t_numbers'));
ALTER SEQUENCE t_numbers OWNED BY t.i;
