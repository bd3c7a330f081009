package queue_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// taker is a queue of jobs of the kinds "a" and "b", that a test takes by hand.
func taker(t *testing.T, db *store.DB) *queue.Queue {
	t.Helper()
	q := queue.New(db, bell.NewLocal(), quiet, queue.Options{})
	for _, kind := range []string{"a", "b"} {
		q.Handle(kind, func(context.Context, queue.Job) error { return nil })
	}
	return q
}

func takerStore(t *testing.T) (*store.DB, *clock.Fake) {
	t.Helper()
	c := clock.NewFake(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	db := storetest.Open(t, c)
	if err := queue.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	return db, c
}

// seen is a queue that has taken the first of three jobs of kind a, and seen the
// others.
func seen(t *testing.T) (*store.DB, *clock.Fake, *queue.Queue) {
	t.Helper()
	db, c := takerStore(t)
	q := taker(t, db)
	for _, key := range []string{"1", "2", "3"} {
		enqueue(t, db, q, queue.NewJob{Kind: "a", Key: key})
	}
	takes(t, q, "1")
	return db, c, q
}

// takes expects the keys of the next jobs.
func takes(t *testing.T, q *queue.Queue, want ...string) {
	t.Helper()
	var got []string
	for range want {
		if job, ok := q.TakeOn(t.Context()); ok {
			got = append(got, job.Key)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("took %q, want %q", got, want)
	}
}

func TestWhatAnotherNodeTookIsPassedOver(t *testing.T) {
	db, _ := takerStore(t)
	one, other := taker(t, db), taker(t, db)
	for _, key := range []string{"1", "2", "3", "4"} {
		enqueue(t, db, one, queue.NewJob{Kind: "a", Key: key})
	}
	takes(t, one, "1")
	takes(t, other, "2", "3")
	takes(t, one, "4")
	if _, ok := one.TakeOn(t.Context()); ok {
		t.Error("a job is taken twice")
	}
}

// What was seen may be taken for a second, though another job is due before it by
// now; then it is its turn.
func TestASeenJobIsTakenForASecond(t *testing.T) {
	db, c, q := seen(t)
	enqueue(t, db, q, queue.NewJob{Kind: "b", Key: "before", RunAfter: c.Now().Add(-time.Hour)})
	takes(t, q, "2")
	c.Advance(time.Second + time.Millisecond)
	takes(t, q, "before", "3")
}

// A job whose key has begun to run is not taken, though it was seen free.
func TestASeenJobWaitsForItsKey(t *testing.T) {
	db, c, q := seen(t)
	enqueue(t, db, q, queue.NewJob{Kind: "b", Key: "2", RunAfter: c.Now().Add(-time.Hour)})
	if job, ok := taker(t, db).Take(t.Context()); !ok || job.Kind != "b" {
		t.Fatalf("took %+v", job)
	}
	takes(t, q, "3")
}

// Jobs that stand behind another of their key hide no free one.
func TestAFreeJobBehindManyIsFound(t *testing.T) {
	db, _ := takerStore(t)
	q := taker(t, db)
	for range 40 {
		enqueue(t, db, q, queue.NewJob{Kind: "a", Key: "busy"})
	}
	enqueue(t, db, q, queue.NewJob{Kind: "a", Key: "free"}, queue.NewJob{Kind: "a", Key: "free too"})
	takes(t, q, "busy", "free", "free too")
}

// Several jobs that may join others, some of them each other, in one call.
func TestCoalescingJobsOfOneCall(t *testing.T) {
	db, _ := takerStore(t)
	q := taker(t, db)
	job := func(kind, key, payload string) queue.NewJob {
		return queue.NewJob{Kind: kind, Key: key, Payload: payload, Coalesce: true}
	}
	enqueue(t, db, q, job("a", "2", "old"))
	enqueue(t, db, q, job("a", "1", "old"), job("b", "1", "b"), job("a", "2", "new"), job("a", "1", "new"),
		queue.NewJob{Kind: "b", Key: "3", Payload: "alone"}, job("a", "1", "newest"))
	rows, err := db.Query(t.Context(), `SELECT kind || key || payload FROM queue_jobs ORDER BY kind, key`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.Collect(rows, func(scan store.Scan) (s string, err error) { return s, scan(&s) })
	want := []string{`a1"newest"`, `a2"new"`, `b1"b"`, `b3"alone"`}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, want %q: %v", got, want, err)
	}
}
