CREATE TABLE t (id serial PRIMARY KEY, k text, n int);
