CREATE TABLE t (k varchar(8), l text GENERATED ALWAYS AS (k || 'x') STORED);
