-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION shout(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN upper($1);
END
$$;
-- +goose StatementEnd
INSERT INTO users VALUES (1, 'ann');

-- +goose Down
DELETE FROM users;
DROP FUNCTION shout(text);
