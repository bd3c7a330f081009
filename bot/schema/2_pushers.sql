-- Who pushed what, as the webhooks tell: a pusher is one of a change's people.
CREATE TABLE bot_pushers (
	repository text NOT NULL, -- provider/owner/name
	pushed     text NOT NULL, -- "#number" of a pull request, or a branch's new head
	login      text NOT NULL,
	PRIMARY KEY (repository, pushed, login)
);
