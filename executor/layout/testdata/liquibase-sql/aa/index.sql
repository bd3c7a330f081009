--liquibase formatted sql logicalFilePath:db/index.sql
--changeset ann:users_name runInTransaction:false
CREATE INDEX CONCURRENTLY users_name ON users (name);
--rollback empty
--changeset ann:fill endDelimiter:/
INSERT INTO users VALUES (1, 'a;b')
/
INSERT INTO users VALUES (2, 'bob')
/
