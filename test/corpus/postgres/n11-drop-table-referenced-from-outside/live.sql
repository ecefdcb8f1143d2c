CREATE TABLE t (id int PRIMARY KEY);
CREATE TABLE u (id int);
CREATE SCHEMA other;
CREATE TABLE other.c (t int REFERENCES public.t);
