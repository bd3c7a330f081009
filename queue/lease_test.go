package queue_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
)

func TestAnExpiredLeaseIsFenced(t *testing.T) {
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	o := fast()
	o.Renew = time.Hour // a worker that can't renew
	q, db := newQueue(t, fake, o)
	jobs, proceed := make(chan queue.Job), make(chan struct{})
	q.Handle("k", func(_ context.Context, job queue.Job) error {
		jobs <- job
		if job.Fence == 1 {
			<-proceed
			return errors.New("the overtaken worker's error counts for nothing")
		}
		return nil
	})
	run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k"})
	first := next(t, jobs)
	if err := q.StillMine(t.Context(), first); err != nil {
		t.Errorf("the lease is fresh: %v", err)
	}
	fake.Advance(16 * time.Second)
	second := next(t, jobs)
	if second.ID != first.ID || second.Fence != 2 || second.Attempts != 1 {
		t.Errorf("taken again as %+v", second)
	}
	if err := q.StillMine(t.Context(), first); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("the first worker still owns the job: %v", err)
	}
	eventually(t, "done by the second", func() bool { return states(t, db)["done"] == 1 })
	close(proceed)
	idle(t, q)
	if diff := cmp.Diff(map[string]int{"done": 1}, states(t, db)); diff != "" {
		t.Error(diff)
	}
}

// An overtaken worker may end its claim in the same statement as the one that
// overtook it: what holds for one claim holds not for the other.
func TestAStaleClaimIsNotHeldWhereTheFreshOneIs(t *testing.T) {
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	q, db := newQueue(t, fake, fast())
	q.Handle("k", nil)
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k"})
	stale, _ := q.Take(t.Context())
	fake.Advance(time.Minute)
	if err := q.ReconcileOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	fresh, _ := q.Take(t.Context())
	held := must(q.Finish(t.Context(), stale, fresh))(t)
	if diff := cmp.Diff([]bool{false, true}, held); diff != "" || fresh.ID != stale.ID {
		t.Errorf("claims %d and %d of one job: %s", stale.Fence, fresh.Fence, diff)
	}
}

func TestALongJobKeepsItsLease(t *testing.T) {
	o := fast()
	o.Lease, o.Renew = time.Second, 10*time.Millisecond
	q, db := newQueue(t, clock.System, o)
	started := make(chan queue.Job, 10)
	proceed := make(chan struct{})
	q.Handle("k", func(context.Context, queue.Job) error { started <- queue.Job{}; <-proceed; return nil })
	run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k"})
	next(t, started)
	var first, now int64
	lease := func(into *int64) {
		if err := db.QueryRow(t.Context(), "SELECT lease_until FROM queue_jobs").Scan(into); err != nil {
			t.Fatal(err)
		}
	}
	lease(&first)
	eventually(t, "renewed past two leases", func() bool { lease(&now); return now > first+2*o.Lease.Microseconds() })
	close(proceed)
	idle(t, q)
	if len(started) != 0 {
		t.Error("it was taken away")
	}
}

func TestARunningJobFinishesWithinTheGrace(t *testing.T) {
	q, db := newQueue(t, clock.System, fast())
	started, proceed := make(chan queue.Job), make(chan struct{})
	q.Handle("k", func(ctx context.Context, job queue.Job) error {
		started <- job
		<-proceed
		return ctx.Err()
	})
	stop := run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k"}, queue.NewJob{Kind: "k", Key: "k"})
	job := next(t, started)
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	eventually(t, "no next step is begun", func() bool { return q.StillMine(t.Context(), job) != nil })
	close(proceed)
	if err := next(t, stopped); err != nil {
		t.Errorf("Run: %v", err)
	}
	if diff := cmp.Diff(map[string]int{"done": 1, "ready": 1}, states(t, db)); diff != "" {
		t.Error(diff)
	}
}

func TestAJobCutOffByTheShutdownIsNoFailure(t *testing.T) {
	o := fast()
	o.Grace = time.Millisecond
	q, db := newQueue(t, clock.System, o)
	started := make(chan struct{})
	q.Handle("k", func(ctx context.Context, _ queue.Job) error {
		close(started)
		<-ctx.Done()
		return queue.Permanent(ctx.Err()) // even so: the handler does not know better
	})
	stop := run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k"})
	next(t, started)
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	var state string
	var attempts int
	if err := db.QueryRow(t.Context(), "SELECT state, attempts FROM queue_jobs").Scan(&state, &attempts); err != nil {
		t.Fatal(err)
	}
	if state != "ready" || attempts != 0 {
		t.Errorf("the job is %s after %d failures", state, attempts)
	}
}

func TestRunLeavesNoGoroutine(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("run", func(t *testing.T) {
		q, db := newQueue(t, clock.System, fast())
		q.Handle("k", func(context.Context, queue.Job) error { return nil })
		stop := run(t, q)
		for n := range 20 {
			enqueue(t, db, q, queue.NewJob{Kind: "k", Key: strconv.Itoa(n)})
		}
		idle(t, q)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	goleak.VerifyNone(t, before)
}
