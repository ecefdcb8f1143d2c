CREATE TYPE addr AS (street text, zip varchar(5));
CREATE TABLE h (a addr);
