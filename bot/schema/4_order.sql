-- Comments of one pull request are worked off in the forge's own order, however
-- they arrive: subject names the conversation, ordinal the comment.
ALTER TABLE bot_deliveries ADD COLUMN subject text NOT NULL DEFAULT '';
ALTER TABLE bot_deliveries ADD COLUMN ordinal bigint NOT NULL DEFAULT 0;
CREATE INDEX bot_deliveries_waiting ON bot_deliveries (subject, ordinal) WHERE state = 'received';
