CREATE TABLE t (k varchar(18));
CREATE POLICY p ON t USING (k <> '');
