CREATE TABLE t (id int);
COMMENT ON SCHEMA public IS 'what we sell';
