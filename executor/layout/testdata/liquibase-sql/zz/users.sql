--liquibase formatted sql

--changeset ann:1
--comment: users, the first table
CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
--rollback DROP TABLE users;

--changeset ann:2 splitStatements:false dbms:postgresql
CREATE FUNCTION shout(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN upper($1);
END
$$;
/* liquibase rollback
DROP FUNCTION shout(text);
*/

--changeset ann:3 dbms:oracle
SELECT 1 FROM dual;

--changeset "bob ross":view runOnChange:true
CREATE OR REPLACE VIEW user_names AS SELECT id, name FROM users;
--rollback DROP VIEW user_names;
