package queue_test

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// BenchmarkJob measures a job's whole life (enqueue, claim, settle), and reports
// how many times the three bare statements in a transaction each that takes.
func BenchmarkJob(b *testing.B) {
	db := storetest.Open(b, clock.System)
	if err := queue.Migrate(b.Context(), db); err != nil {
		b.Fatal(err)
	}
	q := queue.New(db, bell.NewLocal(), quiet, queue.Options{})
	done := make(chan struct{}, 1)
	q.Handle("k", func(context.Context, queue.Job) error { done <- struct{}{}; return nil })
	ctx, cancel := context.WithCancel(b.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- q.Run(ctx) }()
	began := time.Now()
	n := 0
	for b.Loop() {
		n++
		job := queue.NewJob{Kind: "k", Key: strconv.Itoa(n % 10)}
		if err := db.Tx(b.Context(), func(tx *store.Tx) error { return q.Enqueue(b.Context(), tx, job) }); err != nil {
			b.Fatal(err)
		}
		<-done
	}
	ours := time.Since(began) / time.Duration(b.N)
	cancel()
	if err := <-stopped; err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(ours)/float64(bareJob(b, b.N)), "x-bare")
}

// bareJob is the mean time of an insert and two updates, each committed.
func bareJob(b *testing.B, n int) time.Duration {
	b.Helper()
	db, err := store.Open(b.Context(), secret.Literal("sqlite:"+filepath.Join(b.TempDir(), "bare.db")), clock.System)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	exec := func(query string, args ...any) {
		if _, err := db.Exec(b.Context(), query, args...); err != nil {
			b.Fatal(err)
		}
	}
	exec("CREATE TABLE j (id bigint PRIMARY KEY, state text NOT NULL)")
	began := time.Now()
	for i := range n {
		exec("INSERT INTO j VALUES ($1, 'ready')", i)
		exec("UPDATE j SET state = 'running' WHERE id = $1 AND state = 'ready'", i)
		exec("UPDATE j SET state = 'done' WHERE id = $1 AND state = 'running'", i)
	}
	return time.Since(began) / time.Duration(n)
}
