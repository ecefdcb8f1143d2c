CREATE TABLE t (i int, k text COLLATE "C" DEFAULT 'x');
