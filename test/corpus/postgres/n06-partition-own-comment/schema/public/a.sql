CREATE TABLE t (k text, j int) PARTITION BY LIST (k);
CREATE TABLE t_a PARTITION OF t FOR VALUES IN ('a');
COMMENT ON COLUMN t_a.j IS 'of the partition';
