package queue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

func TestTheSQLIsPostgresToo(t *testing.T) {
	storetest.PreparesOnPostgres(t, queue.Migrations, queue.Statements...)
}

// A plan that sorts reads all that is ready for each claim: with 10,000 databases
// to migrate that is the whole rollout's time.
func TestLookingForAJobSortsNothing(t *testing.T) {
	_, db := newQueue(t, clock.System, fast())
	for _, query := range queue.Ordered {
		rows, err := db.Query(t.Context(), "EXPLAIN QUERY PLAN "+query, 1, 2, 3, 4, 5, 6)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := store.Collect(rows, func(scan store.Scan) (step string, err error) {
			var id, parent, unused int
			return step, scan(&id, &parent, &unused, &step)
		})
		if err != nil {
			t.Fatal(err)
		}
		if plan := strings.Join(steps, "\n"); strings.Contains(plan, "TEMP B-TREE") || !strings.Contains(plan, "queue_jobs_") {
			t.Errorf("%s\n%s", query, plan)
		}
	}
}

func TestAJobRunsOnceWithItsPayload(t *testing.T) {
	q, db := newQueue(t, clock.System, fast())
	got := make(chan queue.Job, 10)
	q.Handle("greet", func(_ context.Context, job queue.Job) error { got <- job; return nil })
	run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "greet", Key: "k", Payload: map[string]int{"n": 7}})
	job := next(t, got)
	idle(t, q)
	if string(job.Payload) != `{"n":7}` || job.Kind != "greet" || job.Key != "k" || job.Attempts != 0 || job.Fence != 1 {
		t.Errorf("handled %+v with %s", job, job.Payload)
	}
	if len(got) != 0 {
		t.Error("it ran twice")
	}
	if diff := cmp.Diff(map[string]int{"done": 1}, states(t, db)); diff != "" {
		t.Error(diff)
	}
}

func TestEnqueueBelongsToTheTransaction(t *testing.T) {
	q, db := newQueue(t, clock.System, fast())
	boom := errors.New("boom")
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		return errors.Join(q.Enqueue(t.Context(), tx, queue.NewJob{Kind: "k", Key: "k"}), boom)
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if got := states(t, db); len(got) != 0 {
		t.Errorf("a rolled back job exists: %v", got)
	}
	for _, job := range []queue.NewJob{{Kind: "k"}, {Key: "k"}, {Kind: "k", Key: "k", Payload: make(chan int)}} {
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return q.Enqueue(t.Context(), tx, job) }); err == nil {
			t.Errorf("%+v was enqueued", job)
		}
	}
}

// Jobs of many keys, of which some fail a few times, over two racing nodes.
func TestOneAtATimePerKeyInOrderOverFailuresAndNodes(t *testing.T) {
	one, db := newQueue(t, clock.System, fast())
	two := queue.New(db, brokenBell{}, quiet, fast())
	const keys, each = 5, 20
	var mu sync.Mutex
	running, order := map[string]bool{}, map[string][]string{}
	handler := func(_ context.Context, job queue.Job) error {
		mu.Lock()
		if running[job.Key] {
			t.Errorf("two jobs of %s run", job.Key)
		}
		running[job.Key] = true
		mu.Unlock()
		fail := job.Attempts == 0 && rand.N(5) == 0
		mu.Lock()
		defer mu.Unlock()
		running[job.Key] = false
		if fail {
			return errors.New("the first try fails")
		}
		order[job.Key] = append(order[job.Key], string(job.Payload))
		return nil
	}
	want := map[string][]string{}
	for n := range each {
		for k := range keys {
			key := fmt.Sprint("key", k)
			enqueue(t, db, one, queue.NewJob{Kind: "work", Key: key, Payload: n})
			want[key] = append(want[key], strconv.Itoa(n))
		}
	}
	for _, q := range []*queue.Queue{one, two} {
		q.Handle("work", handler)
		run(t, q)
	}
	eventually(t, "all done", func() bool { return states(t, db)["done"] == keys*each })
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
}

func TestFailuresAreRetriedAndThenGivenUp(t *testing.T) {
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	o := fast()
	o.BackoffMin, o.BackoffMax, o.MaxAttempts = time.Minute, 4*time.Minute, 5
	q, db := newQueue(t, fake, o)
	tries, dead := make(chan time.Time, 10), make(chan error, 10)
	q.Handle("bad", func(_ context.Context, job queue.Job) error {
		tries <- fake.Now()
		return fmt.Errorf("dial postgres://u:hunter2@h/db: attempt %d", job.Attempts)
	})
	q.OnDead("bad", func(_ context.Context, _ *store.Tx, _ queue.Job, cause error) error {
		dead <- cause
		return nil
	})
	run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "bad", Key: "k"})
	last := next(t, tries)
	for _, most := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 4 * time.Minute} {
		idle(t, q)
		for len(tries) == 0 { // time passes until it is tried again
			fake.Advance(time.Second)
			idle(t, q)
		}
		now := next(t, tries)
		if waited := now.Sub(last); waited < most/2 || waited > most+time.Second {
			t.Errorf("waited %s, want between %s and %s", waited, most/2, most)
		}
		last = now
	}
	if cause := next(t, dead); !strings.Contains(cause.Error(), "attempt 4") {
		t.Errorf("given up because of %v", cause)
	}
	idle(t, q)
	gone, err := q.Dead(t.Context(), 10)
	if err != nil || len(gone) != 1 {
		t.Fatalf("Dead = %v, %v", gone, err)
	}
	if text := gone[0].LastError; !strings.Contains(text, "attempt 4") || strings.Contains(text, "hunter2") {
		t.Errorf("last error %q", text)
	}
}

func TestHowAHandlersAnswerCounts(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		answer   func() error
		attempts int // that the second try sees; -1: there is none
		state    string
	}{
		"nil":             {func() error { return nil }, -1, "done"},
		"error":           {func() error { return boom }, 1, "done"},
		"panic":           {func() error { panic("oh") }, 1, "done"},
		"retry":           {func() error { return queue.Retry(time.Millisecond, boom) }, 1, "done"},
		"again":           {func() error { return queue.Retry(time.Millisecond, nil) }, 0, "done"},
		"wrapped again":   {func() error { return fmt.Errorf("x: %w", queue.Retry(0, nil)) }, 0, "done"},
		"permanent":       {func() error { return queue.Permanent(boom) }, -1, "dead"},
		"wrapped":         {func() error { return fmt.Errorf("x: %w", queue.Permanent(boom)) }, -1, "dead"},
		"permanent retry": {func() error { return queue.Permanent(queue.Retry(0, boom)) }, -1, "dead"},
		"permanent nil":   {func() error { return queue.Permanent(nil) }, -1, "done"},
	} {
		t.Run(name, func(t *testing.T) {
			q, db := newQueue(t, clock.System, fast())
			seen := make(chan int, 10)
			q.Handle("k", func(_ context.Context, job queue.Job) error {
				seen <- job.Attempts
				if job.Fence > 1 {
					return nil
				}
				return c.answer()
			})
			run(t, q)
			enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k"})
			eventually(t, c.state, func() bool { return states(t, db)[c.state] == 1 })
			next(t, seen)
			if c.attempts < 0 {
				if len(seen) != 0 {
					t.Error("it was tried again")
				}
				return
			}
			if got := next(t, seen); got != c.attempts {
				t.Errorf("the second try sees %d failed attempts, want %d", got, c.attempts)
			}
		})
	}
}

func TestCoalescingKeepsOneReadyJobWithTheNewestPayload(t *testing.T) {
	q, db := newQueue(t, clock.System, fast())
	started, proceed := make(chan string), make(chan error)
	q.Handle("view", func(_ context.Context, job queue.Job) error {
		started <- string(job.Payload)
		if job.Key == "other" {
			return nil
		}
		return <-proceed
	})
	run(t, q)
	view := func(n int) queue.NewJob { return queue.NewJob{Kind: "view", Key: "pr", Payload: n, Coalesce: true} }
	enqueue(t, db, q, view(1))
	if got := next(t, started); got != "1" {
		t.Fatalf("started %s", got)
	}
	// A running job is not joined: what it has read may be old.
	enqueue(t, db, q, view(2), view(3))
	enqueue(t, db, q, view(4), queue.NewJob{Kind: "view", Key: "other", Payload: 9, Coalesce: true})
	if got := next(t, started); got != "9" {
		t.Fatalf("another key waits: %s", got)
	}
	// The failed first is replaced by the newer one, not tried beside it.
	proceed <- errors.New("the forge is down")
	if got := next(t, started); got != "4" {
		t.Errorf("started %s, want the newest", got)
	}
	proceed <- nil
	idle(t, q)
	if diff := cmp.Diff(map[string]int{"done": 3}, states(t, db)); diff != "" {
		t.Error(diff)
	}
}

func TestALaterTimeIsWaitedForAndLetsOthersPass(t *testing.T) {
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	q, db := newQueue(t, fake, fast())
	got := make(chan string, 10)
	q.Handle("k", func(_ context.Context, job queue.Job) error { got <- string(job.Payload); return nil })
	run(t, q)
	enqueue(t, db, q,
		queue.NewJob{Kind: "k", Key: "k", Payload: "later", RunAfter: fake.Now().Add(time.Hour)},
		queue.NewJob{Kind: "k", Key: "k", Payload: "now"})
	if first := next(t, got); first != `"now"` {
		t.Errorf("first %s", first)
	}
	idle(t, q)
	fake.Advance(time.Hour - time.Second)
	idle(t, q)
	if len(got) != 0 {
		t.Error("it ran before its time")
	}
	fake.Advance(time.Second)
	if second := next(t, got); second != `"later"` {
		t.Errorf("second %s", second)
	}
}

func TestAFailingJobHoldsUpItsOwnKindOnly(t *testing.T) {
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	o := fast()
	o.BackoffMin = time.Minute
	q, db := newQueue(t, fake, o)
	got := make(chan string, 10)
	q.Handle("sync", func(_ context.Context, job queue.Job) error {
		if job.Fence == 1 && string(job.Payload) == "1" {
			return errors.New("the forge is down")
		}
		got <- "sync " + string(job.Payload)
		return nil
	})
	q.Handle("advance", func(_ context.Context, job queue.Job) error { got <- "advance " + string(job.Payload); return nil })
	run(t, q)
	enqueue(t, db, q,
		queue.NewJob{Kind: "sync", Key: "project", Payload: 1},
		queue.NewJob{Kind: "sync", Key: "project", Payload: 2},
		queue.NewJob{Kind: "advance", Key: "project", Payload: 3})
	if first := next(t, got); first != "advance 3" {
		t.Errorf("%s ran first", first)
	}
	idle(t, q)
	fake.Advance(time.Minute)
	for _, want := range []string{"sync 1", "sync 2"} {
		if now := next(t, got); now != want {
			t.Errorf("%s ran, want %s", now, want)
		}
	}
}

// Without waiting for the reconciler, whose turn never comes here.
func TestAScheduledJobRunsOnTime(t *testing.T) {
	o := fast()
	o.Reconcile = time.Hour
	q, db := newQueue(t, clock.System, o)
	got := make(chan time.Time, 1)
	q.Handle("k", func(context.Context, queue.Job) error { got <- time.Now(); return nil })
	run(t, q)
	due := time.Now().Add(50 * time.Millisecond)
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k", RunAfter: due})
	if at := next(t, got); at.Before(due) {
		t.Errorf("it ran %s early", due.Sub(at))
	}
}

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

func TestALongJobKeepsItsLease(t *testing.T) {
	o := fast()
	o.Lease, o.Renew = 300*time.Millisecond, 10*time.Millisecond
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

func TestReviveGivesADeadJobAnotherChance(t *testing.T) {
	q, db := newQueue(t, clock.System, fast())
	broken := true
	q.Handle("k", func(context.Context, queue.Job) error {
		if broken {
			return queue.Permanent(errors.New("misconfigured"))
		}
		return nil
	})
	run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k", Coalesce: true})
	eventually(t, "dead", func() bool { return states(t, db)["dead"] == 1 })
	if diff := cmp.Diff([]queue.Stat{{Kind: "k", State: queue.Dead, Jobs: 1}}, must(q.Stats(t.Context()))(t)); diff != "" {
		t.Error(diff)
	}
	broken = false
	if err := q.Revive(t.Context(), must(q.Dead(t.Context(), 1))(t)[0].ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "done", func() bool { return states(t, db)["done"] == 1 })
	if err := q.Revive(t.Context(), "no such job"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("Revive of nothing: %v", err)
	}
}

func TestADeadHandlersErrorKeepsTheJob(t *testing.T) {
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	q, db := newQueue(t, fake, fast())
	told := make(chan struct{}, 10)
	q.Handle("k", func(context.Context, queue.Job) error { return queue.Permanent(errors.New("no")) })
	q.OnDead("k", func(_ context.Context, _ *store.Tx, job queue.Job, _ error) error {
		told <- struct{}{}
		if job.Fence == 1 {
			return errors.New("can't write that down")
		}
		return nil
	})
	run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k"})
	next(t, told)
	eventually(t, "still held", func() bool { return states(t, db)["running"] == 1 })
	fake.Advance(time.Minute)
	next(t, told)
	eventually(t, "dead", func() bool { return states(t, db)["dead"] == 1 })
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
	for _, want := range []queue.Outcome{queue.OutcomeAgain, queue.OutcomeFailed, queue.OutcomeDone} {
		if got := next(t, heard); got != want {
			t.Errorf("heard %s, want %s", got, want)
		}
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

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
