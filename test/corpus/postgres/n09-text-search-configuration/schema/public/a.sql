CREATE TABLE t (x text);
CREATE TEXT SEARCH CONFIGURATION ts (COPY = simple);
CREATE INDEX t_x ON t USING gin (to_tsvector('ts', x));
