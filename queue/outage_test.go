package queue_test

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
)

// lines counts what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// outage is a store that goes away under two running nodes.
type outage struct {
	db    *store.DB // the test's own way
	nodes []*queue.Queue
	logs  []*lines

	started chan queue.Job
	proceed chan struct{}
	mu      sync.Mutex
	done    map[string]int // by payload, of who still held the claim
}

const outageLease = 2 * time.Second

// newOutage starts two nodes, each with its own connections to the store.
func newOutage(t *testing.T, server *privateserver.Postgres) *outage {
	t.Helper()
	o := &outage{
		started: make(chan queue.Job, 100), proceed: make(chan struct{}), done: map[string]int{},
	}
	name := strings.ToLower(t.Name())
	if err := server.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	o.db = openStore(t, server.URL(name))
	for range 2 {
		log := &lines{}
		q := queue.New(openStore(t, server.URL(name)), bell.NewLocal(), slog.New(slog.NewTextHandler(log, nil)), queue.Options{
			Workers: 4, Lease: outageLease, Reconcile: 100 * time.Millisecond, BackoffMin: time.Millisecond,
		})
		o.handle(q)
		run(t, q)
		o.nodes, o.logs = append(o.nodes, q), append(o.logs, log)
	}
	return o
}

func (o *outage) handle(q *queue.Queue) {
	count := func(job queue.Job) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.done[string(job.Payload)]++
	}
	q.Handle("quick", func(_ context.Context, job queue.Job) error { count(job); return nil })
	q.Handle("held", func(_ context.Context, job queue.Job) error {
		o.started <- job
		<-o.proceed
		count(job)
		return nil
	})
}

// away is what happens to the server in the middle; the store is back at its end.
func (o *outage) run(t *testing.T, away func()) {
	t.Helper()
	const jobs = 40
	enqueue(t, o.db, o.nodes[0], queue.NewJob{Kind: "held", Key: "finishes while it is away", Payload: -1})
	enqueue(t, o.db, o.nodes[1], queue.NewJob{Kind: "held", Key: "outlives it", Payload: -2})
	next(t, o.started)
	next(t, o.started)
	for n := range jobs {
		enqueue(t, o.db, o.nodes[n%2], queue.NewJob{Kind: "quick", Key: strconv.Itoa(n), Payload: n})
	}
	away()
	eventually(t, "the other held job ends", func() bool {
		select {
		case o.proceed <- struct{}{}:
			return true
		default:
			return false
		}
	})
	for n := range jobs {
		enqueue(t, o.db, o.nodes[n%2], queue.NewJob{Kind: "quick", Key: strconv.Itoa(n), Payload: jobs + n})
	}
	idle(t, o.nodes[0])
	o.check(t, 2*jobs)
}

func (o *outage) check(t *testing.T, jobs int) {
	t.Helper()
	if got := states(t, o.db); got["done"] != jobs+2 || len(got) != 1 {
		t.Errorf("the jobs are %v, want %d done", got, jobs+2)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, held := range []string{"-1", "-2"} {
		if o.done[held] != 1 {
			t.Errorf("held job %s was done %d times: its lease did not outlive the outage", held, o.done[held])
		}
	}
	for n := range jobs { // at least once; twice if it was cut off while settling
		if o.done[strconv.Itoa(n)] == 0 {
			t.Errorf("job %d never ran", n)
		}
	}
	for i, log := range o.logs {
		if n := log.count("level=ERROR"); n == 0 || n > 3 {
			t.Errorf("node %d logged %d errors:\n%s", i, n, log.text.String())
		}
		if log.count("uses the store again") == 0 {
			t.Errorf("node %d does not say that the store is back", i)
		}
	}
}

// The store is away for longer than a lease lasts, and comes back.
func TestTheQueueOutlivesItsStoresRestart(t *testing.T) {
	server := privateserver.OwnPostgres(t, privateserver.Options{})
	o := newOutage(t, server)
	o.run(t, func() {
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		o.endOneMeanwhile(t)
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// The store stays silent: connections stay open, nothing is answered.
func TestTheQueueOutlivesASilentStore(t *testing.T) {
	server := privateserver.OwnPostgres(t, privateserver.Options{})
	o := newOutage(t, server)
	o.run(t, func() {
		if err := server.Freeze(); err != nil {
			t.Fatal(err)
		}
		o.endOneMeanwhile(t)
		if err := server.Thaw(); err != nil {
			t.Fatal(err)
		}
	})
}

// endOneMeanwhile ends a held job, which can't be written down now, and returns
// when the outage is longer than a lease.
func (o *outage) endOneMeanwhile(t *testing.T) {
	t.Helper()
	began := time.Now()
	o.proceed <- struct{}{}
	for i := range o.logs {
		eventually(t, "the loss is noticed", func() bool { return o.logs[i].count("could not use the store") > 0 })
	}
	eventually(t, "a lease and more", func() bool { return time.Since(began) > outageLease*3/2 })
}
