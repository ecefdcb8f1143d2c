CREATE TYPE c AS (id int, k text);
CREATE TABLE t OF c;
