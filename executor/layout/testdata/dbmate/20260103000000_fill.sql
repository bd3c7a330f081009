-- the first user
-- migrate:up
INSERT INTO users VALUES (1, 'ann');
-- migrate:down

