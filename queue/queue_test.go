package queue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

func TestTheSQLIsPostgresToo(t *testing.T) {
	storetest.PreparesOnPostgres(t, queue.Migrations, queue.Statements...)
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
