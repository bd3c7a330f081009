package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

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

// A forge or a database that is away for days is not the job's fault. Afterwards a
// failure of its own still has its attempts.
func TestAnOutageOutsideNeverKillsAJob(t *testing.T) {
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	o := fast()
	o.BackoffMin, o.MaxAttempts = time.Second, 6
	q, db := newQueue(t, fake, o)
	var out atomic.Bool
	out.Store(true)
	tries := make(chan int, 1000)
	q.Handle("k", func(_ context.Context, job queue.Job) error {
		tries <- job.Attempts
		if out.Load() {
			return fmt.Errorf("read the pull request: %w", fault.New(fault.Unreachable, "the forge is away"))
		}
		return errors.New("a defect")
	})
	run(t, q)
	began := fake.Now()
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k"})
	for n := range 100 { // far more than MaxAttempts
		if got := next(t, tries); got != min(n, 3) {
			t.Fatalf("try %d sees %d failed attempts", n, got)
		}
		idle(t, q)
		for len(tries) == 0 {
			fake.Advance(time.Minute)
			idle(t, q)
		}
	}
	t.Logf("alive after %s", fake.Now().Sub(began))
	out.Store(false)
	eventually(t, "given up for its own failures", func() bool {
		fake.Advance(time.Minute)
		return states(t, db)["dead"] == 1
	})
	own := 0
	for len(tries) > 0 {
		<-tries
		own++
	}
	if own < 3 || own > 4 { // the one that was under way when the outage ended may be of either
		t.Errorf("%d tries of its own", own)
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

func TestDiscardRemovesOnlyDeadJobs(t *testing.T) {
	q, db := newQueue(t, clock.System, fast())
	q.Handle("k", func(context.Context, queue.Job) error { return queue.Permanent(errors.New("useless")) })
	run(t, q)
	enqueue(t, db, q, queue.NewJob{Kind: "k", Key: "k"}, queue.NewJob{Kind: "nobody's", Key: "n"})
	eventually(t, "dead", func() bool { return states(t, db)["dead"] == 1 })
	dead := must(q.Dead(t.Context(), 1))(t)[0].ID
	if found, err := q.DeadByID(t.Context(), dead); err != nil || found.ID != dead || found.LastError != "useless" {
		t.Errorf("DeadByID = %+v, %v", found, err)
	}
	if err := q.Discard(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	var ready string
	if err := db.QueryRow(t.Context(), "SELECT id FROM queue_jobs").Scan(&ready); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{dead, ready} {
		if err := q.Discard(t.Context(), id); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("Discard of a job that is not dead: %v", err)
		}
		if _, err := q.DeadByID(t.Context(), id); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("DeadByID of a job that is not dead: %v", err)
		}
	}
	if diff := cmp.Diff(map[string]int{"ready": 1}, states(t, db)); diff != "" {
		t.Error(diff)
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
