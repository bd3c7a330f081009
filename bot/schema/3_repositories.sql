-- Which repository a configured name means: the forge's number of it, learned at
-- first sight. The number survives renames; the name may become another one's.
CREATE TABLE bot_repositories (
	repository   text   NOT NULL PRIMARY KEY, -- as configured, in lower case: provider/owner/name
	provider     text   NOT NULL,
	forge_id     bigint NOT NULL,
	current      text   NOT NULL, -- owner/name, as the forge calls it now
	installation bigint NOT NULL,
	private      bigint NOT NULL, -- 1: only members see it
	paused       text   NOT NULL, -- why nothing can happen for it, '' when all is well
	asked_at     bigint NOT NULL, -- when the forge was asked about it; 0: ask before the next use
	UNIQUE (provider, forge_id)
);
