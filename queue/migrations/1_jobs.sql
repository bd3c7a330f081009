CREATE TABLE queue_jobs (
    id          text    NOT NULL PRIMARY KEY, -- ULID: sorts by the time of enqueueing
    kind        text    NOT NULL,
    key         text    NOT NULL,             -- one job of a key runs at a time
    pool        text    NOT NULL,             -- which workers may run it; '' is any without a pool
    coalesced   boolean NOT NULL,             -- while ready, the only one of its kind and key
    payload     text    NOT NULL,             -- JSON
    state       text    NOT NULL CHECK (state IN ('ready', 'running', 'done', 'dead')),
    run_after   bigint  NOT NULL,             -- microseconds, as all times here
    attempts    bigint  NOT NULL,             -- failed ones since the payload was set
    fence       bigint  NOT NULL,             -- counts claims: the number of the current claim
    lease_until bigint  NOT NULL,             -- while running
    last_error  text    NOT NULL,
    created_at  bigint  NOT NULL,
    updated_at  bigint  NOT NULL
);

-- Invariant: one running job per key, whatever the workers believe.
CREATE UNIQUE INDEX queue_jobs_running ON queue_jobs (key) WHERE state = 'running';

-- Coalescing: one ready job per kind and key among those that ask for it.
CREATE UNIQUE INDEX queue_jobs_coalesced ON queue_jobs (kind, key) WHERE state = 'ready' AND coalesced;

-- Candidates in order, and what stands before one of them.
CREATE INDEX queue_jobs_ready ON queue_jobs (id) WHERE state = 'ready';
CREATE INDEX queue_jobs_of_key ON queue_jobs (key, id) WHERE state = 'ready';

-- Leases that end, done jobs to forget, dead ones to show. One index over all
-- states would tempt SQLite to read and sort all that is ready.
CREATE INDEX queue_jobs_leases ON queue_jobs (lease_until) WHERE state = 'running';
CREATE INDEX queue_jobs_done ON queue_jobs (updated_at) WHERE state = 'done';
CREATE INDEX queue_jobs_dead ON queue_jobs (id) WHERE state = 'dead';
