CREATE TABLE t (a int DEFAULT 1, b int, c text NOT NULL DEFAULT 'x');
INSERT INTO t (b) VALUES (1);
