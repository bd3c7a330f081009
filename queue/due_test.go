package queue_test

import (
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

func TestOldest(t *testing.T) {
	now := clock.NewFake(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	q, db := newQueue(t, now, fast())
	if _, ok, err := q.Oldest(t.Context()); ok || err != nil {
		t.Errorf("an empty queue: %v, %v", ok, err)
	}
	enqueue := func(key string, after time.Duration) {
		t.Helper()
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			return q.Enqueue(t.Context(), tx, queue.NewJob{Kind: "k", Key: key, Payload: 1, Pool: "eu", RunAfter: now.Now().Add(after)})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	enqueue("later", time.Hour)
	enqueue("second", 2*time.Second)
	enqueue("first", time.Second)
	now.Advance(time.Minute)
	got, ok, err := q.Oldest(t.Context())
	want := queue.Due{Kind: "k", Pool: "eu", Since: now.Now().Add(time.Second - time.Minute)}
	if err != nil || !ok || got != want {
		t.Errorf("got %+v, %v, %v; want %+v", got, ok, err, want)
	}
}
