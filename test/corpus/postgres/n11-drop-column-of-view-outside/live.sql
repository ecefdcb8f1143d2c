CREATE TABLE t (id int PRIMARY KEY, k text);
CREATE SCHEMA other;
CREATE VIEW other.v AS SELECT k FROM public.t;
