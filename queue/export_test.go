package queue

import (
	"context"
	"math"
)

// What the model test drives by hand, and Run else does.

// Take looks anew, so that what it takes is the first.
func (q *Queue) Take(ctx context.Context) (Job, bool) {
	q.outlook = outlook{}
	return q.take(ctx)
}

// TakeOn goes on with what was seen last, as workers do.
func (q *Queue) TakeOn(ctx context.Context) (Job, bool) { return q.take(ctx) }

func (q *Queue) Settle(ctx context.Context, job Job, err error) Outcome {
	q.countActive(job.Kind, -1)
	return q.settle(ctx, job, err).outcome
}

func (q *Queue) Finish(ctx context.Context, claims ...Job) (held []bool, err error) {
	return q.jobs.finish(ctx, claims)
}

func (q *Queue) Renew(ctx context.Context, job Job) error { return q.jobs.renew(ctx, job) }

func (q *Queue) ReconcileOnce(ctx context.Context) error { return q.reconcileOnce(ctx) }

// Ordered are the statements that every free worker asks, with what SQLite's plan
// must have: they must end at the first row they find.
var Ordered = map[string]string{
	headsSQL(2, 2): "SEARCH j USING INDEX queue_jobs_due (pool=? AND kind=? AND run_after<?)",
	dueSQL:         "USING INDEX queue_jobs_due (pool=? AND kind=? AND (run_after,id)>(?,?) AND run_after<?)",
	nextSQL:        "SEARCH j USING INDEX queue_jobs_of_key (key=?)",
}

// Hot are the statements that every worker, or every look of the reconciler, runs,
// with arguments for the table that the plan test fills.
var Hot = map[string]struct {
	SQL  string
	Args []any
}{
	"heads":     {headsSQL(8, 1), []any{1_700_000_000_000_000, "task", "view", "sync", "delivery", "advance", "review", "catalog", "reconcile", ""}},
	"claim":     {claimSQL(3), []any{1_700_000_000_000_000, 1_800_000_000_000_000, "e1000001", "e1000002", "e1000003"}},
	"due":       {dueSQL, []any{1_700_000_000_000_000, "", "task", 1, "", 1_700_000_000_000_000, 8}},
	"next":      {nextSQL, []any{1_700_000_000_000_000, "e1"}},
	"finish":    {finishSQL(2), []any{1, "e1000001", 0, "e1000002", 0}},
	"settle":    {settleSQL, []any{"done", 1, 0, "", 1, "e1000001", 0, int64(math.MaxInt64)}},
	"renew":     {renewSQL, []any{1, "e1000001", 0}},
	"expired":   {expiredSQL, []any{1_700_000_000_000_000, perLook}},
	"lease end": {leaseEndSQL, nil},
	"forget":    {forgetSQL, []any{0, perLook}},
	"insert":    {insertSQL(1) + joinSQL, []any{1, "z", "view", "k", "", true, "{}", 1, ""}},
	"replaced":  {replacedSQL, []any{"e1000001"}},
}

// Skew is by how much earlier a job is due that is due at once.
const Skew = skew

// Migrations and Statements are the queue's SQL, all of it.
var (
	Migrations = migrations
	Statements = []string{
		insertSQL(3), insertSQL(1) + joinSQL, claimSQL(2), dueSQL, headsSQL(2, 2), nextSQL, finishSQL(2), renewSQL, mineSQL, settleSQL, replacedSQL,
		expiredSQL, leaseEndSQL, forgetSQL, statsSQL, deadSQL, deadByIDSQL, reviveSQL, discardSQL, busySQL, oldestSQL,
		workersSQL, beatSQL, leaveSQL, pruneSQL,
	}
)
