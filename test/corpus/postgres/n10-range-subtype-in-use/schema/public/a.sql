CREATE TYPE r AS RANGE (subtype = bigint);
CREATE TABLE h (a r);
