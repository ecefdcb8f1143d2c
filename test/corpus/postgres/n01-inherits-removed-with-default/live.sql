CREATE TABLE a (id int DEFAULT 3);
CREATE TABLE b (j int DEFAULT 4) INHERITS (a);
INSERT INTO b SELECT g, g FROM generate_series(1, 20) g;
