CREATE TABLE note (id int PRIMARY KEY, tenant int NOT NULL, body text);
INSERT INTO note SELECT g, g%10, 'x' FROM generate_series(1,1000) g;
GRANT SELECT ON note TO reader;
