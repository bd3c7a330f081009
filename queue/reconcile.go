package queue

import (
	"context"
	"errors"
	"time"

	"github.com/shipsql/shipsql/store"
)

// ringAgain is for how many runnable jobs the reconciler rings at once. A worker
// that wakes works until nothing is left, so a few rings do.
const ringAgain = 32

// reconcile makes up for what got lost: workers, rings, whole bells.
func (q *Queue) reconcile(ctx context.Context) {
	tick := time.NewTicker(q.options.Reconcile)
	defer tick.Stop()
	for {
		q.logUnless(ctx, q.reconcileOnce(ctx))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (q *Queue) reconcileOnce(ctx context.Context) error {
	q.nudge() // our own workers need no bell
	expired, err := q.jobs.expired(ctx)
	if err != nil {
		return err
	}
	for _, job := range expired {
		err = errors.Join(err, q.takeBack(ctx, job))
	}
	ids, lookErr := q.jobs.candidates(ctx, q.openKinds(), q.options.Pools, ringAgain)
	q.ring(ctx, ids...)
	return errors.Join(err, lookErr, q.jobs.forget(ctx, q.db.Now().Add(-q.options.KeepDone)))
}

// takeBack ends the claim of a worker that does not renew.
func (q *Queue) takeBack(ctx context.Context, job Job) error {
	v := q.options.judge(job, errExpired, q.db.Now(), false)
	took := false
	err := q.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if took, err = q.jobs.stillExpired(ctx, tx, job); err != nil || !took {
			return err
		}
		return q.settleIn(ctx, tx, job, ending{v, errExpired})
	})
	if err != nil || !took {
		return err
	}
	q.report(job, v)
	if q.options.Observe != nil {
		q.options.Observe(job.Kind, v.outcome, q.options.Lease)
	}
	return nil
}
