CREATE TABLE t (a timestamp(3), b timestamptz(3), c time(3), d interval(3));
INSERT INTO t VALUES (now(), now(), '10:00', '1 day');
