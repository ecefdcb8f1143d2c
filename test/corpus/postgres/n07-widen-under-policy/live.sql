CREATE TABLE t (k varchar(8));
CREATE POLICY p ON t USING (k <> '');
