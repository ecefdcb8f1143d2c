CREATE TABLE t (k varchar(18), l text GENERATED ALWAYS AS (k || 'x') STORED);
