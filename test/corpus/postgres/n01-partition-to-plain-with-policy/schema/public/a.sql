CREATE TABLE t (k text, j int) PARTITION BY LIST (k);
CREATE TABLE t_a (k text, j int);
CREATE POLICY p ON t_a USING (true);
