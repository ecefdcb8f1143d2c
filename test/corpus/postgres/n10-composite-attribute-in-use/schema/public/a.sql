CREATE TYPE addr AS (street text, zip int);
CREATE TABLE h (a addr);
