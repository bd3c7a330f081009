-- What the forges told us: identifiers only, never a payload.
CREATE TABLE bot_deliveries (
	id          text   NOT NULL PRIMARY KEY,
	provider    text   NOT NULL,
	guid        text   NOT NULL,
	kind        text   NOT NULL,
	event       text   NOT NULL, -- providers.Event as JSON
	state       text   NOT NULL, -- received, done, failed
	note        text   NOT NULL, -- why nothing was done, or what failed
	received_at bigint NOT NULL,
	done_at     bigint NOT NULL,
	UNIQUE (provider, guid)
);
