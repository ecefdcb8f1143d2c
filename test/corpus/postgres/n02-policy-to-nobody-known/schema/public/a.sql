CREATE TABLE t (id int PRIMARY KEY);
CREATE POLICY p ON t TO no_such_role USING (true);
