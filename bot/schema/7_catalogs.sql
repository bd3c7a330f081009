-- What the databases of worker pools were last seen to hold: reviews run where
-- those databases can't be reached.
CREATE TABLE bot_catalogs (
	database text   NOT NULL PRIMARY KEY,
	catalog  text   NOT NULL, -- JSON, '' when it could not be read
	problem  text   NOT NULL, -- the fault's code then
	read_at  bigint NOT NULL, -- 0: never
	asked_at bigint NOT NULL  -- a reading from before this moment is stale
);
