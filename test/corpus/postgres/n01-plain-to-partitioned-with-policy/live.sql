CREATE TABLE t (k text, j int);
CREATE POLICY p ON t USING (true);
INSERT INTO t SELECT 'a', g FROM generate_series(1, 20) g;
