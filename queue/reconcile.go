package queue

import (
	"context"
	"errors"
	"time"
)

// reconcile makes up for what got lost: workers, rings, whole bells.
func (q *Queue) reconcile(ctx context.Context) {
	for {
		q.heard(ctx, q.reconcileOnce(ctx))
		pause := time.NewTimer(q.untilReconcile(ctx))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

// untilReconcile is the time to the next look: at most Options.Reconcile, less
// when a lease ends before, so that a dead worker's job need not wait for both.
func (q *Queue) untilReconcile(ctx context.Context) time.Duration {
	most := q.options.Reconcile
	end, ok, err := q.jobs.nextLeaseEnd(ctx)
	if err != nil || !ok {
		return most
	}
	const least = 8 // a part of most: an end that is past already, but not judged yet
	return min(max(end.Sub(q.db.Now()), most/least), most)
}

// reconcileOnce looks once. What it reads and rings for is bounded, however much
// there is: the next look goes on.
func (q *Queue) reconcileOnce(ctx context.Context) error {
	defer q.nudge() // our own workers need no bell
	if err := q.takeBackExpired(ctx); err != nil {
		return err
	}
	heads, err := q.jobs.heads(ctx, q.openKinds(), q.options.Pools)
	ids := make([]string, len(heads))
	for i, h := range heads {
		ids[i] = h.id
	}
	q.ring(ctx, ids...)
	return errors.Join(err, q.jobs.forget(ctx, q.db.Now().Add(-q.options.KeepDone)))
}

// takeBackExpired ends the claims of workers that do not renew.
func (q *Queue) takeBackExpired(ctx context.Context) error {
	now := q.db.Now()
	if !q.contact.fair(now, q.options.Lease) {
		return nil
	}
	expired, err := q.jobs.expired(ctx, now)
	for _, job := range expired {
		if err := q.takeBack(ctx, job, now); err != nil && !errors.Is(err, errLost) && ctx.Err() == nil {
			q.log.Error("A dead worker's job could not be taken back; the next look tries again", jobFields(job, "error", err)...)
		}
	}
	return err
}

// takeBack ends the claim of a worker that does not renew. Another node may do
// so at the same time, or the worker renew after all: one compare-and-set wins.
func (q *Queue) takeBack(ctx context.Context, job Job, now time.Time) error {
	v := q.options.judge(job, errExpired, now, false)
	if err := q.write(ctx, job, ending{verdict: v, cause: errExpired, leaseBefore: now}); err != nil {
		return err
	}
	q.report(job, v)
	if q.options.Observe != nil {
		q.options.Observe(job.Kind, v.outcome, q.options.Lease)
	}
	return nil
}
