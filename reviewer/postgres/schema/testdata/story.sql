CREATE TABLE parent (id bigint PRIMARY KEY, code char(3) NOT NULL, UNIQUE (code));
CREATE TABLE t (
  id serial, a varchar(20) NOT NULL, b int[] CHECK (b IS NOT NULL), c int, d timestamptz(3), e numeric(10,2), f numeric(5),
  g bit(3), h varbit, i interval, j double precision, k real, l bool, m time(2), n char, o json, p "char", q name, r date, s smallserial, u uuid,
  UNIQUE (a, c), CHECK (a <> '' AND c IS NOT NULL AND d IS NOT NULL), CHECK (c > 0 OR e > 0), CHECK (c < 9)
);
ALTER TABLE t ADD PRIMARY KEY (id), DROP COLUMN d, ALTER a TYPE text, ALTER f TYPE numeric(8,3);
ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES parent (id) NOT VALID;
ALTER TABLE t ADD CONSTRAINT late CHECK (e > 0) NOT VALID;
ALTER TABLE t VALIDATE CONSTRAINT late;
ALTER TABLE t RENAME COLUMN c TO parent_id;
ALTER TABLE t RENAME CONSTRAINT t_a_c_key TO one_a;
CREATE INDEX ON t (parent_id, lower(a));
CREATE UNIQUE INDEX named ON t (e) WHERE e > 0;
ALTER INDEX named RENAME TO renamed_index;
ALTER TABLE t ADD CONSTRAINT by_index UNIQUE (k), ALTER j SET NOT NULL;
ALTER TABLE t ALTER k SET NOT NULL;
ALTER TABLE t ALTER k DROP NOT NULL;
CREATE UNIQUE INDEX for_key ON t (u);
ALTER TABLE t ADD CONSTRAINT u_once UNIQUE USING INDEX for_key;
ALTER TABLE t RENAME TO renamed;
CREATE TABLE renamed_away (id int); ALTER TABLE renamed_away RENAME TO arrived;
CREATE TABLE a_table_with_a_name_that_is_as_long_as_it_may_be_in_postgresql (a_column_with_a_long_name_too int UNIQUE, x int CHECK (x > 0));
CREATE INDEX ON a_table_with_a_name_that_is_as_long_as_it_may_be_in_postgresql (a_column_with_a_long_name_too, x);
CREATE TABLE dropped (id int); DROP TABLE dropped;
CREATE TABLE parts (id int NOT NULL, day date) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
CREATE TABLE joined (id int NOT NULL, day date);
ALTER TABLE parts ATTACH PARTITION joined FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
ALTER TABLE parts DETACH PARTITION parts_1;
ALTER TABLE parts RENAME TO pieces;
CREATE UNLOGGED TABLE quick (id bigint GENERATED ALWAYS AS IDENTITY, twice bigint GENERATED ALWAYS AS (1 + 1) STORED);
CREATE TABLE copied (LIKE parent);
CREATE TABLE child () INHERITS (quick);
CREATE SCHEMA app CREATE TABLE inside (id int PRIMARY KEY);
SET search_path TO app;
CREATE TABLE there (id int);
ALTER TABLE inside ADD COLUMN more text;
ALTER TABLE there SET SCHEMA public;
RESET search_path;
CREATE DOMAIN label AS text;
CREATE TABLE labelled (l label, app_moods text[]);
