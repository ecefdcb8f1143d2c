CREATE TABLE a (id int, k text);
CREATE TABLE b (j int) INHERITS (a);
