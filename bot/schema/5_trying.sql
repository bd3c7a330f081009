-- A write that was begun: the hash of what is being written, until it is known to
-- have got through. A later attempt looks on the forge before it writes again.
ALTER TABLE bot_writes ADD COLUMN trying text NOT NULL DEFAULT '';
