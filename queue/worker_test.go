package queue_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store/storetest"
)

func TestLimitsLeaveWorkersForOthers(t *testing.T) {
	o := fast()
	o.Workers, o.Limits = 3, map[string]int{"long": 2}
	q, db := newQueue(t, clock.System, o)
	started, proceed, quick := make(chan string, 10), make(chan struct{}), make(chan struct{}, 1)
	q.Handle("long", func(_ context.Context, job queue.Job) error { started <- job.Key; <-proceed; return nil })
	q.Handle("quick", func(context.Context, queue.Job) error { quick <- struct{}{}; return nil })
	run(t, q)
	for n := range 4 {
		enqueue(t, db, q, queue.NewJob{Kind: "long", Key: strconv.Itoa(n)})
	}
	enqueue(t, db, q, queue.NewJob{Kind: "quick", Key: "q"})
	next(t, quick)
	next(t, started)
	next(t, started)
	if len(started) != 0 {
		t.Error("a third long job runs")
	}
	close(proceed)
	idle(t, q)
	if got := states(t, db)["done"]; got != 5 {
		t.Errorf("%d jobs done, want 5", got)
	}
}

func TestJobsOfOthersAreLeftAlone(t *testing.T) {
	o := fast()
	o.Pools = []string{"eu"}
	q, db := newQueue(t, clock.System, o)
	got := make(chan string, 10)
	q.Handle("known", func(_ context.Context, job queue.Job) error { got <- job.Pool; return nil })
	run(t, q)
	enqueue(t, db, q,
		queue.NewJob{Kind: "known", Key: "1", Pool: "us"},
		queue.NewJob{Kind: "known", Key: "2"},
		queue.NewJob{Kind: "unknown", Key: "3", Pool: "eu"},
		queue.NewJob{Kind: "known", Key: "4", Pool: "eu"})
	if pool := next(t, got); pool != "eu" {
		t.Errorf("ran a job of pool %q", pool)
	}
	eventually(t, "one done", func() bool { return states(t, db)["done"] == 1 })
	if diff := cmp.Diff(map[string]int{"done": 1, "ready": 3}, states(t, db)); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutABellWorkIsFoundByLooking(t *testing.T) {
	db := storetest.Open(t, clock.System)
	if err := queue.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	q := queue.New(db, brokenBell{}, quiet, fast())
	got := make(chan struct{}, 50)
	q.Handle("k", func(context.Context, queue.Job) error { got <- struct{}{}; return nil })
	run(t, q)
	for n := range cap(got) {
		enqueue(t, db, q, queue.NewJob{Kind: "k", Key: strconv.Itoa(n)})
	}
	for range cap(got) {
		next(t, got)
	}
}

func TestDoneJobsAreForgotten(t *testing.T) {
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	q, db := newQueue(t, fake, fast())
	q.Handle("k", func(context.Context, queue.Job) error { return nil })
	run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k"})
	eventually(t, "done", func() bool { return states(t, db)["done"] == 1 })
	fake.Advance(25 * time.Hour)
	eventually(t, "forgotten", func() bool { return len(states(t, db)) == 0 })
}

func TestIdleSaysWhatKeepsItBusy(t *testing.T) {
	q, db := newQueue(t, clock.System, fast())
	enqueue(t, db, q, queue.NewJob{Kind: "nobody handles this", Key: "k"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := q.Idle(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Idle = %v", err)
	}
}

func TestObserveHearsOfEveryAttempt(t *testing.T) {
	o := fast()
	heard := make(chan queue.Outcome, 10)
	o.Observe = func(_ string, outcome queue.Outcome, _ time.Duration) { heard <- outcome }
	q, db := newQueue(t, clock.System, o)
	answers := []error{queue.Retry(0, nil), errors.New("x"), nil}
	q.Handle("k", func(_ context.Context, job queue.Job) error { return answers[job.Fence-1] })
	run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k"})
	got := []queue.Outcome{next(t, heard), next(t, heard), next(t, heard)}
	slices.Sort(got) // one is told of when the next may be under way
	if diff := cmp.Diff([]queue.Outcome{queue.OutcomeAgain, queue.OutcomeDone, queue.OutcomeFailed}, got); diff != "" {
		t.Error(diff)
	}
}
