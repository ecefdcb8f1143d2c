CREATE TABLE t (k text);
CREATE POLICY p ON t USING (k > 'a');
INSERT INTO t SELECT 'a' FROM generate_series(1, 20);
