package queue

import "context"

// What the model test drives by hand, and Run else does.

func (q *Queue) Take(ctx context.Context) (Job, bool) { return q.take(ctx) }

func (q *Queue) Settle(ctx context.Context, job Job, err error) Outcome {
	q.countActive(job.Kind, -1)
	return q.settle(ctx, job, err)
}

func (q *Queue) Renew(ctx context.Context, job Job) error { return q.jobs.renew(ctx, job) }

func (q *Queue) ReconcileOnce(ctx context.Context) error { return q.reconcileOnce(ctx) }

// Ordered are the statements that every free worker asks: they must end at the
// first row they find.
var Ordered = []string{candidatesSQL(2, 2), headSQL}

// Migrations and Statements are the queue's SQL, all of it.
var (
	Migrations = migrations
	Statements = []string{
		insertSQL, claimSQL, candidatesSQL(2, 2), headSQL, renewSQL, mineSQL, settleSQL, replacedSQL,
		expiredSQL, stillExpiredSQL, forgetSQL, statsSQL, deadSQL, reviveSQL, busySQL,
	}
)
