-- Where each project's branch has been walked to, and why the walk stopped.
CREATE TABLE deploy_projects (
    id          text   NOT NULL PRIMARY KEY,
    seen_commit text   NOT NULL,
    refusal     text   NOT NULL, -- JSON, '' when the branch is fine
    updated_at  bigint NOT NULL
);

-- Files' bytes by their sha256, so that workers need no forge.
CREATE TABLE deploy_blobs (
    id      text  NOT NULL PRIMARY KEY,
    content bytea NOT NULL
);

-- The forge's names of blobs that are here already.
CREATE TABLE deploy_forge_blobs (
    project    text NOT NULL,
    forge_blob text NOT NULL,
    blob       text NOT NULL REFERENCES deploy_blobs (id),
    PRIMARY KEY (project, forge_blob)
);

-- The whole folder at a merge commit: JSON list of {path, blob}, by its sha256.
CREATE TABLE deploy_folders (
    id    text NOT NULL PRIMARY KEY,
    files text NOT NULL
);

CREATE TABLE deploy_releases (
    id            text   NOT NULL PRIMARY KEY,
    project       text   NOT NULL,
    repository    text   NOT NULL,
    seq           bigint NOT NULL,
    merge_commit  text   NOT NULL,
    pull_request  bigint NOT NULL, -- 0: pushed directly
    title         text   NOT NULL,
    author        text   NOT NULL,
    people        text   NOT NULL, -- JSON
    hash          text   NOT NULL,
    folder        text   NOT NULL, -- deploy_folders.id, '' once finished
    problems      text   NOT NULL, -- JSON
    review        text   NOT NULL, -- JSON
    review_report text   NOT NULL,
    merged_at     bigint NOT NULL,
    created_at    bigint NOT NULL,
    finished_at   bigint NOT NULL, -- 0: some stage has not passed
    UNIQUE (project, merge_commit),
    UNIQUE (project, seq)
);
CREATE INDEX deploy_releases_by_pull_request ON deploy_releases (repository, pull_request);
CREATE INDEX deploy_releases_unfinished ON deploy_releases (project, seq) WHERE finished_at = 0;

CREATE TABLE deploy_migrations (
    release     text    NOT NULL REFERENCES deploy_releases (id),
    n           bigint  NOT NULL,
    project     text    NOT NULL,
    version     text    NOT NULL,
    version_key text    NOT NULL, -- executor.VersionKey: equal versions have one
    name        text    NOT NULL,
    change_kind text    NOT NULL,
    path        text    NOT NULL,
    checksum    text    NOT NULL,
    blob        text    NOT NULL, -- '' when the file could not be had
    statements  bigint  NOT NULL,
    edited_by   text    NOT NULL,
    withdrawn   boolean NOT NULL,
    broken      boolean NOT NULL,
    PRIMARY KEY (release, n)
);
CREATE INDEX deploy_migrations_by_version ON deploy_migrations (project, version_key);
CREATE INDEX deploy_migrations_by_path ON deploy_migrations (project, path);

-- What is accepted as the text of a version instead of what was released.
CREATE TABLE deploy_edits (
    id              text   NOT NULL PRIMARY KEY,
    project         text   NOT NULL,
    path            text   NOT NULL,
    version         text   NOT NULL,
    version_key     text   NOT NULL,
    before_checksum text   NOT NULL,
    after_checksum  text   NOT NULL, -- '' when the file was deleted
    blob            text   NOT NULL, -- '' when deleted, or not merged yet
    pull_request    bigint NOT NULL, -- accepted on this open pull request, 0 otherwise
    merged          boolean NOT NULL,
    actor           text   NOT NULL,
    reason          text   NOT NULL,
    at              bigint NOT NULL
);
CREATE INDEX deploy_edits_by_version ON deploy_edits (project, version_key);

CREATE TABLE deploy_stages (
    release     text   NOT NULL REFERENCES deploy_releases (id),
    environment text   NOT NULL,
    state       text   NOT NULL,
    reasons     text   NOT NULL, -- JSON
    needed      bigint NOT NULL,
    counted     bigint NOT NULL,
    rejection   text   NOT NULL, -- JSON of the latest, ''
    cancelled   text   NOT NULL, -- JSON, ''
    started_at  bigint NOT NULL,
    finished_at bigint NOT NULL,
    PRIMARY KEY (release, environment)
);

CREATE TABLE deploy_approvals (
    id          text   NOT NULL PRIMARY KEY,
    release     text   NOT NULL REFERENCES deploy_releases (id),
    environment text   NOT NULL,
    hash        text   NOT NULL,
    actor       text   NOT NULL, -- JSON
    despite     text   NOT NULL,
    source      text   NOT NULL,
    at          bigint NOT NULL,
    expires_at  bigint NOT NULL,
    standing    text   NOT NULL -- JSON, as last judged
);
CREATE INDEX deploy_approvals_by_release ON deploy_approvals (release, environment);

CREATE TABLE deploy_skips (
    project     text   NOT NULL,
    environment text   NOT NULL,
    path        text   NOT NULL,
    version     text   NOT NULL,
    version_key text   NOT NULL,
    release     text   NOT NULL REFERENCES deploy_releases (id),
    actor       text   NOT NULL,
    reason      text   NOT NULL,
    at          bigint NOT NULL,
    PRIMARY KEY (project, environment, path, version_key)
);

CREATE TABLE deploy_tasks (
    id          text   NOT NULL PRIMARY KEY,
    release     text   NOT NULL REFERENCES deploy_releases (id),
    project     text   NOT NULL,
    environment text   NOT NULL,
    database    text   NOT NULL,
    state       text   NOT NULL,
    attempts    bigint NOT NULL,
    progress    text   NOT NULL, -- JSON
    failure     text   NOT NULL, -- JSON, ''
    retry_at    bigint NOT NULL,
    created_at  bigint NOT NULL,
    started_at  bigint NOT NULL,
    finished_at bigint NOT NULL,
    UNIQUE (release, database)
);
-- Invariant 2: never two tasks on one database at once, over all projects.
CREATE UNIQUE INDEX deploy_tasks_one_running ON deploy_tasks (database) WHERE state = 'running';
CREATE INDEX deploy_tasks_runnable ON deploy_tasks (database, state);

-- What the targets' ledgers were last seen to hold. The ledgers are the truth.
CREATE TABLE deploy_outcomes (
    project     text   NOT NULL,
    database    text   NOT NULL,
    version_key text   NOT NULL,
    version     text   NOT NULL,
    path        text   NOT NULL,
    environment text   NOT NULL,
    release     text   NOT NULL,
    checksum    text   NOT NULL,
    state       text   NOT NULL, -- done or skipped
    at          bigint NOT NULL,
    PRIMARY KEY (project, database, version_key)
);

-- A person's word on an ambiguous step; used by one run only.
CREATE TABLE deploy_resolutions (
    id      text   NOT NULL PRIMARY KEY,
    task    text   NOT NULL REFERENCES deploy_tasks (id),
    version text   NOT NULL,
    step    bigint NOT NULL,
    answer  text   NOT NULL,
    actor   text   NOT NULL, -- JSON
    at      bigint NOT NULL,
    used_at bigint NOT NULL
);
CREATE INDEX deploy_resolutions_by_task ON deploy_resolutions (task) WHERE used_at = 0;

-- Append-only; each row's hash covers the one before it.
CREATE TABLE deploy_audit (
    seq         bigint NOT NULL PRIMARY KEY,
    at          bigint NOT NULL,
    action      text   NOT NULL,
    project     text   NOT NULL,
    release     text   NOT NULL,
    environment text   NOT NULL,
    database    text   NOT NULL,
    actor       text   NOT NULL, -- JSON
    data        text   NOT NULL, -- JSON
    prev        text   NOT NULL,
    hash        text   NOT NULL
);
CREATE INDEX deploy_audit_by_release ON deploy_audit (release, seq);
