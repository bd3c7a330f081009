-- What the forges told us: identifiers only, never a payload.
CREATE TABLE bot_deliveries (
	id          text   NOT NULL PRIMARY KEY,
	provider    text   NOT NULL,
	guid        text   NOT NULL,
	kind        text   NOT NULL,
	event       text   NOT NULL, -- providers.Event as JSON
	state       text   NOT NULL, -- received, done, failed
	note        text   NOT NULL, -- what was done, or why nothing was
	received_at bigint NOT NULL,
	done_at     bigint NOT NULL,
	UNIQUE (provider, guid)
);

-- Pull requests as last read. repository is provider/owner/name.
CREATE TABLE bot_pulls (
	repository  text   NOT NULL,
	number      bigint NOT NULL,
	state       text   NOT NULL, -- open, merged, closed
	base        text   NOT NULL, -- branch
	head        text   NOT NULL, -- commit
	base_commit text   NOT NULL, -- the base branch's head at the last review
	touches     bigint NOT NULL, -- 1: it changes a file of some project
	title       text   NOT NULL,
	author      text   NOT NULL,
	url         text   NOT NULL,
	said        text   NOT NULL, -- the last accepted command, restated
	updated_at  bigint NOT NULL,
	PRIMARY KEY (repository, number)
);

-- What was found, per project.
CREATE TABLE bot_reviews (
	repository  text   NOT NULL,
	number      bigint NOT NULL,
	project     text   NOT NULL,
	head        text   NOT NULL,
	review      text   NOT NULL, -- view.Review as JSON
	checksums   text   NOT NULL, -- path -> checksum at the head, "" when deleted; JSON
	reviewed_at bigint NOT NULL,
	PRIMARY KEY (repository, number, project)
);

-- What we wrote on the forge: its id, and the hash of the content.
CREATE TABLE bot_writes (
	repository text   NOT NULL,
	number     bigint NOT NULL,
	what       text   NOT NULL, -- sticky, check, notice:…, deployment:…, suggestion:…, reply:…
	forge_id   bigint NOT NULL,
	hash       text   NOT NULL,
	written_at bigint NOT NULL,
	PRIMARY KEY (repository, number, what)
);

-- Findings that somebody who may has let pass: those that stood then, no later ones.
CREATE TABLE bot_waivers (
	repository   text   NOT NULL,
	number       bigint NOT NULL,
	rule         text   NOT NULL,
	fingerprints text   NOT NULL, -- JSON list
	reason       text   NOT NULL,
	actor        text   NOT NULL,
	source       text   NOT NULL,
	waived_at    bigint NOT NULL,
	PRIMARY KEY (repository, number, rule)
);

-- Every command anybody gave, and what became of it; never changed.
CREATE TABLE bot_commands (
	repository text   NOT NULL,
	number     bigint NOT NULL,
	comment_id bigint NOT NULL,
	line       bigint NOT NULL, -- ordinal in the comment
	login      text   NOT NULL,
	said       text   NOT NULL,
	outcome    text   NOT NULL, -- accepted, refused, unknown, stranger, edited
	answer     text   NOT NULL, -- Markdown of the reply, '' for none
	at         bigint NOT NULL,
	PRIMARY KEY (repository, comment_id, line)
);

CREATE INDEX bot_commands_by_person ON bot_commands (repository, number, login);

-- The commit whose policy judges a merge: the one before the merge began.
CREATE TABLE bot_merges (
	project       text NOT NULL,
	merge_commit  text NOT NULL,
	policy_commit text NOT NULL,
	PRIMARY KEY (project, merge_commit)
);
