-- How far each forge was asked for the webhooks it could not hand over.
CREATE TABLE bot_missed (
	provider   text   NOT NULL PRIMARY KEY,
	asked_to   bigint NOT NULL, -- all before this moment is made up for
	lost_from  bigint NOT NULL, -- the last stretch that the forge had forgotten by
	lost_to    bigint NOT NULL, -- the time it was asked; 0: none ever
	note       text   NOT NULL  -- why it can't be asked, '' when it can
);
