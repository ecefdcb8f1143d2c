CREATE FUNCTION plus(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT a + b $$;
CREATE AGGREGATE total (int) (SFUNC = plus, STYPE = int, INITCOND = '0');
CREATE PROCEDURE tidy(n int) LANGUAGE sql AS $$ SELECT 1 $$;
