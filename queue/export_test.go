package queue

import "context"

// What the model test drives by hand, and Run else does.

func (q *Queue) Take(ctx context.Context) (Job, bool) { return q.take(ctx) }

func (q *Queue) Settle(ctx context.Context, job Job, err error) Outcome {
	q.countActive(job.Kind, -1)
	return q.settle(ctx, job, err).outcome
}

func (q *Queue) Renew(ctx context.Context, job Job) error { return q.jobs.renew(ctx, job) }

func (q *Queue) ReconcileOnce(ctx context.Context) error { return q.reconcileOnce(ctx) }

// Ordered are the statements that every free worker asks, with what SQLite's plan
// must have: they must end at the first row they find.
var Ordered = map[string]struct{ Search, Sorts string }{
	candidatesSQL(2, 2): {"SEARCH j USING INDEX queue_jobs_due (pool=? AND kind=? AND run_after<?)", "USE TEMP B-TREE FOR ORDER BY"},
	headSQL:             {"SEARCH j USING INDEX queue_jobs_of_key (key=?)", ""},
}

// Skew is by how much earlier a job is due that is due at once.
const Skew = skew

// Migrations and Statements are the queue's SQL, all of it.
var (
	Migrations = migrations
	Statements = []string{
		insertSQL, claimSQL, candidatesSQL(2, 2), headSQL, renewSQL, mineSQL, settleSQL, replacedSQL,
		expiredSQL, leaseEndSQL, forgetSQL, statsSQL, deadSQL, reviveSQL, busySQL, oldestSQL,
		workersSQL, beatSQL, leaveSQL, pruneSQL,
	}
)
