COMMENT ON SCHEMA public IS 'what we sold';
CREATE TABLE t (id int);
