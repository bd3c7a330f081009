-- For several nodes on one store. The version before goes on working beside it.

-- What enqueued a job, for traces: a W3C traceparent, '' for none.
ALTER TABLE queue_jobs ADD COLUMN traceparent text NOT NULL DEFAULT '';

-- The first of a pool's and kind's due jobs, whatever waits beside them: jobs of
-- other pools, of kinds at their limit, and for later.
CREATE INDEX queue_jobs_due ON queue_jobs (pool, kind, run_after, id) WHERE state = 'ready';

-- Who runs jobs, as each process said last.
CREATE TABLE queue_workers (
    id      text   NOT NULL PRIMARY KEY, -- ULID, made at each start
    node    text   NOT NULL,
    pools   text   NOT NULL,             -- JSON list
    since   bigint NOT NULL,
    seen_at bigint NOT NULL
);
