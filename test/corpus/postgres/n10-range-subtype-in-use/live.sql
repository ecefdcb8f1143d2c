CREATE TYPE r AS RANGE (subtype = int);
CREATE TABLE h (a r);
