CREATE TABLE t (k text, j int DEFAULT 4);
