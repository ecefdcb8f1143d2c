CREATE TABLE t (id int PRIMARY KEY);
CREATE POLICY p ON t TO app, reader USING (true);
