CREATE TABLE t (id int);
CREATE TABLE gone (id int);
INSERT INTO gone VALUES (1);
