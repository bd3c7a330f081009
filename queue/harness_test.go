package queue_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// patience bounds every wait of these tests; none needs a tenth of it.
const patience = time.Minute

var quiet = slog.New(slog.DiscardHandler)

// fast are options under which nothing takes long.
func fast() queue.Options {
	return queue.Options{Reconcile: 5 * time.Millisecond, BackoffMin: time.Millisecond, Grace: patience}
}

// newQueue makes a queue on a fresh store.
func newQueue(t *testing.T, c clock.Clock, o queue.Options) (*queue.Queue, *store.DB) {
	t.Helper()
	db := storetest.Open(t, c)
	if err := queue.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	return queue.New(db, bell.NewLocal(), quiet, o), db
}

// run runs the queue until stop is called or the test ends. stop returns what
// Run did.
func run(t *testing.T, q *queue.Queue) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- q.Run(ctx) }()
	stopped := false
	stop = func() error {
		stopped = true
		cancel()
		return <-result
	}
	t.Cleanup(func() {
		if stopped {
			return
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return stop
}

func enqueue(t *testing.T, db *store.DB, q *queue.Queue, jobs ...queue.NewJob) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *store.Tx) error { return q.Enqueue(t.Context(), tx, jobs...) })
	if err != nil {
		t.Fatal(err)
	}
}

// idle waits until the queue has nothing to do.
func idle(t *testing.T, q *queue.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := q.Idle(ctx); err != nil {
		t.Fatal(err)
	}
}

// next receives, or fails the test.
func next[T any](t *testing.T, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return value
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	within(t, patience, what, holds)
}

func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(limit)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// states counts the jobs by state.
func states(t *testing.T, db *store.DB) map[string]int {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT state, count(*) FROM queue_jobs GROUP BY state")
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	_, err = store.Collect(rows, func(scan store.Scan) (struct{}, error) {
		var state string
		var n int
		err := scan(&state, &n)
		counts[state] = n
		return struct{}{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// brokenBell fails whatever it is asked.
type brokenBell struct{}

var errBroken = errors.New("no bell")

func (brokenBell) Ring(context.Context, ...string) error         { return errBroken }
func (brokenBell) Listen(context.Context) (<-chan string, error) { return nil, errBroken }
func (brokenBell) Close() error                                  { return nil }

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
