package queue_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// row is a job as the model believes it to be, and as the store has it.
type row struct {
	ID, Kind, Key, Payload string
	Coalesced              bool
	State                  queue.State
	RunAfter, Lease        int64
	Attempts               int
	Fence                  int64
}

// model holds what the package comment's state table says must be.
type model struct {
	db    *store.DB
	q     *queue.Queue
	clock *clock.Fake
	o     queue.Options
	rows  []row       // by id
	held  []queue.Job // claims that some worker believes to hold
	seq   int
}

const (
	modelLease = 10 * time.Second
	modelPause = 7 * time.Second
	maxTries   = 3
)

// TestModel drives the queue's transitions by hand, in any order, and compares
// the store with the model after each.
func TestModel(t *testing.T) {
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	db := storetest.Open(t, fake)
	if err := queue.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		if _, err := db.Exec(context.Background(), "DELETE FROM queue_jobs"); err != nil {
			rt.Fatal(err)
		}
		o := queue.Options{Lease: modelLease, MaxAttempts: maxTries, BackoffMin: 4 * time.Second, BackoffMax: 20 * time.Second, KeepDone: 1000 * time.Hour}
		m := &model{db: db, clock: fake, o: o, q: queue.New(db, bell.NewLocal(), quiet, o)}
		for _, kind := range []string{"a", "b"} {
			m.q.Handle(kind, func(context.Context, queue.Job) error { return nil })
		}
		rt.Repeat(map[string]func(*rapid.T){
			"enqueue": m.enqueue, "claim": m.claim, "settle": m.settle, "renew": m.renew,
			"expire": m.expire, "revive": m.revive, "advance": m.advance, "": m.check,
		})
	})
}

func (m *model) now() int64 { return store.Micros(m.clock.Now()) }

func (m *model) find(id string) *row {
	return &m.rows[slices.IndexFunc(m.rows, func(r row) bool { return r.ID == id })]
}

// readyCoalesced is the job that another of the kind and key would join.
func (m *model) readyCoalesced(kind, key string) *row {
	for i := range m.rows {
		if r := &m.rows[i]; r.Kind == kind && r.Key == key && r.State == queue.Ready && r.Coalesced {
			return r
		}
	}
	return nil
}

func (m *model) enqueue(t *rapid.T) {
	m.seq++
	delay := time.Duration(rapid.IntRange(0, 5).Draw(t, "delay")) * time.Second
	job := queue.NewJob{
		Kind: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "kind"), Key: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "key"),
		Payload: m.seq, RunAfter: m.clock.Now().Add(delay), Coalesce: rapid.Bool().Draw(t, "coalesce"),
	}
	err := m.db.Tx(context.Background(), func(tx *store.Tx) error { return m.q.Enqueue(context.Background(), tx, job) })
	if err != nil {
		t.Fatal(err)
	}
	runAfter := store.Micros(job.RunAfter)
	stored := m.stored(t)
	if old := m.readyCoalesced(job.Kind, job.Key); job.Coalesce && old != nil {
		old.RunAfter, old.Attempts, old.Payload = min(old.RunAfter, runAfter), 0, strconv.Itoa(m.seq)
		return
	}
	if len(stored) != len(m.rows)+1 {
		t.Fatalf("%d jobs, want %d", len(stored), len(m.rows)+1)
	}
	newest := stored[len(stored)-1]
	m.rows = append(m.rows, row{
		ID: newest.ID, Kind: job.Kind, Key: job.Key, Payload: strconv.Itoa(m.seq), Coalesced: job.Coalesce,
		State: queue.Ready, RunAfter: runAfter,
	})
}

// runnable is, of the jobs that nothing stands before, the one due longest.
func (m *model) runnable() (longest *row) {
	for i := range m.rows {
		r := &m.rows[i]
		blocked := slices.ContainsFunc(m.rows, func(other row) bool {
			return other.Key == r.Key && (other.State == queue.Running || other.State == queue.Ready &&
				other.Kind == r.Kind && other.ID < r.ID && (other.RunAfter <= m.now() || other.Attempts > 0))
		})
		if r.State == queue.Ready && r.RunAfter <= m.now() && !blocked && (longest == nil || r.RunAfter < longest.RunAfter) {
			longest = r
		}
	}
	return longest
}

func (m *model) claim(t *rapid.T) {
	want := m.runnable()
	job, ok := m.q.Take(context.Background())
	if ok != (want != nil) || ok && job.ID != want.ID {
		t.Fatalf("took %v %v, want %v", ok, job.ID, want)
	}
	if !ok {
		return
	}
	want.State, want.Lease = queue.Running, m.now()+modelLease.Microseconds()
	want.Fence++
	if job.Fence != want.Fence || job.Attempts != want.Attempts || string(job.Payload) != want.Payload {
		t.Fatalf("took %+v, want %+v", job, *want)
	}
	m.held = append(m.held, job)
}

// drawHeld picks a claim; it stays in the list, as a worker may come back twice.
func (m *model) drawHeld(t *rapid.T) (job queue.Job, mine bool) {
	if len(m.held) == 0 {
		t.Skip("nothing is held")
	}
	job = rapid.SampledFrom(m.held).Draw(t, "held")
	r := m.find(job.ID)
	return job, r.State == queue.Running && r.Fence == job.Fence
}

// answers are what a handler may say, and the verdict on a dead worker.
var answers = map[string]error{
	"done": nil, "fail": errors.New("x"), "permanent": queue.Permanent(errors.New("x")),
	"again": queue.Retry(modelPause, nil), "retry": queue.Retry(modelPause, errors.New("x")),
}

func (m *model) settle(t *rapid.T) {
	job, mine := m.drawHeld(t)
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(answers))).Draw(t, "answer")
	outcome := m.q.Settle(context.Background(), job, answers[name])
	if mine {
		m.end(t, m.find(job.ID), name)
	} else if outcome != queue.OutcomeLost {
		t.Fatalf("a lost claim settled as %s", outcome)
	}
}

// end moves a running row on, as the state table says.
func (m *model) end(t *rapid.T, r *row, answer string) {
	r.Lease, r.RunAfter, r.State = 0, m.now(), queue.Ready
	switch answer {
	case "done":
		r.State = queue.Done
		return
	case "again":
		r.Attempts = 0
	default:
		r.Attempts++
	}
	if answer == "permanent" || r.Attempts >= maxTries {
		r.State = queue.Dead
		return
	}
	switch answer {
	case "again", "retry":
		r.RunAfter += modelPause.Microseconds()
	case "expired":
		r.RunAfter -= queue.Skew.Microseconds()
	case "fail":
		r.RunAfter = m.boundedBackoff(t, r)
	}
	r.State = queue.Running // so as not to find the job itself
	replaced := r.Coalesced && m.readyCoalesced(r.Kind, r.Key) != nil
	r.State = queue.Ready
	if replaced {
		r.State = queue.Done
	}
}

// boundedBackoff believes the store's random wait if it is within the bounds.
func (m *model) boundedBackoff(t *rapid.T, r *row) int64 {
	stored := m.stored(t)
	got := stored[slices.IndexFunc(stored, func(s row) bool { return s.ID == r.ID })].RunAfter
	most := min(m.o.BackoffMax, m.o.BackoffMin<<(r.Attempts-1)).Microseconds()
	if wait := got - m.now(); wait < most/2 || wait > most {
		t.Fatalf("failure %d waits %d µs, want %d to %d", r.Attempts, wait, most/2, most)
	}
	return got
}

func (m *model) renew(t *rapid.T) {
	job, mine := m.drawHeld(t)
	if err := m.q.Renew(context.Background(), job); (err == nil) != mine {
		t.Fatalf("renewing: %v, mine: %v", err, mine)
	}
	if err := m.q.StillMine(context.Background(), job); (err == nil) != mine {
		t.Fatalf("StillMine: %v, mine: %v", err, mine)
	}
	if mine {
		m.find(job.ID).Lease = m.now() + modelLease.Microseconds()
	}
}

func (m *model) expire(t *rapid.T) {
	if err := m.q.ReconcileOnce(context.Background()); err != nil {
		t.Fatal(err)
	}
	for i := range m.rows {
		if r := &m.rows[i]; r.State == queue.Running && r.Lease < m.now() {
			m.end(t, r, "expired")
		}
	}
}

func (m *model) revive(t *rapid.T) {
	i := slices.IndexFunc(m.rows, func(r row) bool { return r.State == queue.Dead })
	if i < 0 {
		t.Skip("nothing is dead")
	}
	r := &m.rows[i]
	taken := r.Coalesced && m.readyCoalesced(r.Kind, r.Key) != nil
	if err := m.q.Revive(context.Background(), r.ID); (err == nil) == taken {
		t.Fatalf("Revive: %v, its place is taken: %v", err, taken)
	}
	if !taken {
		r.State, r.Attempts, r.RunAfter = queue.Ready, 0, m.now()
	}
}

func (m *model) advance(t *rapid.T) {
	m.clock.Advance(time.Duration(rapid.IntRange(1, 12).Draw(t, "seconds")) * time.Second)
}

// check compares the store with the model and asserts what no state may break.
func (m *model) check(t *rapid.T) {
	stored := m.stored(t)
	if diff := cmp.Diff(m.rows, stored); diff != "" {
		t.Fatalf("the store differs from the model (-want +got):\n%s", diff)
	}
	running := map[string]bool{}
	for _, r := range stored {
		if r.State == queue.Running && running[r.Key] {
			t.Fatalf("two jobs of %s run", r.Key)
		}
		running[r.Key] = running[r.Key] || r.State == queue.Running
	}
}

func (m *model) stored(t *rapid.T) []row {
	rows, err := m.db.Query(context.Background(), `SELECT id, kind, key, payload, coalesced, state, run_after, lease_until, attempts, fence FROM queue_jobs ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := store.Collect(rows, func(scan store.Scan) (r row, err error) {
		return r, scan(&r.ID, &r.Kind, &r.Key, &r.Payload, &r.Coalesced, &r.State, &r.RunAfter, &r.Lease, &r.Attempts, &r.Fence)
	})
	if err != nil {
		t.Fatal(err)
	}
	return stored
}
