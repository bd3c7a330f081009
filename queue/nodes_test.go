package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
)

// ran is what the handlers of all nodes saw.
type ran struct {
	mu      sync.Mutex
	running map[string]string   // key → job
	order   map[string][]string // kind and key → payloads, as they were done
	wrong   []string
}

func (r *ran) enter(job queue.Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if other := r.running[job.Key]; other != "" && other != job.ID {
		r.wrong = append(r.wrong, fmt.Sprintf("%s and %s of %s ran at once", other, job.ID, job.Key))
	}
	r.running[job.Key] = job.ID
}

func (r *ran) leave(job queue.Job, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, job.Key)
	if done {
		r.order[job.Kind+" "+job.Key] = append(r.order[job.Kind+" "+job.Key], string(job.Payload))
	}
}

// handler fails, panics or loses its lease at its first attempt, as the payload's
// number says. It is done only by who still holds the claim.
func (r *ran) handler(q *queue.Queue, steal func(queue.Job)) queue.Handler {
	return func(ctx context.Context, job queue.Job) error {
		r.enter(job)
		n, _ := strconv.Atoi(string(job.Payload))
		first := job.Fence == 1 && job.Kind == "work"
		switch {
		case first && n%10 == 3:
			r.leave(job, false)
			return errors.New("the first try fails")
		case first && n%10 == 5:
			r.leave(job, false)
			panic("the first try panics")
		case first && n%10 == 7:
			r.leave(job, false)
			steal(job)
			return nil // which is not heard
		}
		mine := q.StillMine(ctx, job) == nil
		r.leave(job, mine)
		return nil
	}
}

// Two nodes, each with its own connections, on one PostgreSQL: jobs that fail,
// panic and are taken away, and others that coalesce meanwhile.
func TestTwoNodesOnPostgres(t *testing.T) {
	url := privateserver.Database(t)
	db := openStore(t, url)
	seen := &ran{running: map[string]string{}, order: map[string][]string{}}
	steal := func(job queue.Job) { // as if the worker had slept over its lease
		if _, err := db.Exec(context.Background(), "UPDATE queue_jobs SET lease_until = 1 WHERE id = $1", job.ID); err != nil {
			t.Error(err)
		}
		eventually(t, "taken back", func() bool {
			var n int
			err := db.QueryRow(context.Background(), "SELECT count(*) FROM queue_jobs WHERE id = $1 AND state = 'running' AND fence = $2", job.ID, job.Fence).Scan(&n)
			return err == nil && n == 0
		})
	}
	var nodes []*queue.Queue
	for range 2 {
		o := fast()
		o.Renew, o.Workers = time.Hour, 4
		q := queue.New(openStore(t, url), bell.NewLocal(), quiet, o)
		q.Handle("work", seen.handler(q, steal))
		q.Handle("view", seen.handler(q, steal))
		nodes = append(nodes, q)
	}
	const keys, jobs = 20, 500
	want := map[string][]string{}
	for n := range jobs / 2 { // some before the nodes start, the rest meanwhile
		addRaced(t, db, nodes[n%2], n, want)
	}
	for _, q := range nodes {
		run(t, q)
	}
	for n := jobs / 2; n < jobs; n++ {
		addRaced(t, db, nodes[n%2], n, want)
	}
	for _, q := range nodes {
		idle(t, q)
	}
	eventually(t, "all done", func() bool { s := states(t, db); return s["ready"]+s["running"]+s["dead"] == 0 })
	checkRaced(t, seen, want)
}

// addRaced enqueues one job of work, and a coalescing view beside the writer's turn.
func addRaced(t *testing.T, db *store.DB, q *queue.Queue, n int, want map[string][]string) {
	t.Helper()
	key := fmt.Sprint("key", n%20)
	enqueue(t, db, q, queue.NewJob{Kind: "work", Key: key, Payload: n})
	want["work "+key] = append(want["work "+key], strconv.Itoa(n))
	err := db.TxUnordered(t.Context(), func(tx *store.Tx) error {
		return q.Enqueue(t.Context(), tx, queue.NewJob{Kind: "view", Key: key, Payload: n, Coalesce: true})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkRaced(t *testing.T, seen *ran, want map[string][]string) {
	t.Helper()
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if len(seen.wrong) > 0 {
		t.Error(seen.wrong)
	}
	views := 0
	for name, order := range want {
		if diff := cmp.Diff(order, seen.order[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		shown := seen.order["view"+name[len("work"):]]
		if last := order[len(order)-1]; len(shown) == 0 || shown[len(shown)-1] != last {
			t.Errorf("%s: the last view is %v, want %s", name, shown, last)
		}
		views += len(shown)
	}
	t.Logf("%d views were asked for, %d shown", 500, views)
}

// Many coalescing jobs come from all sides while those before them run and fail.
func TestCoalescingIsNotLostBesideReturns(t *testing.T) {
	url := privateserver.Database(t)
	db := openStore(t, url)
	var mu sync.Mutex
	newest := 0
	o := fast()
	o.MaxAttempts = 1_000_000
	var nodes []*queue.Queue
	for range 2 {
		q := queue.New(openStore(t, url), bell.NewLocal(), quiet, o)
		q.Handle("view", func(_ context.Context, job queue.Job) error {
			n, _ := strconv.Atoi(string(job.Payload))
			mu.Lock()
			defer mu.Unlock()
			newest = max(newest, n)
			if n%3 == 0 && job.Attempts == 0 {
				return queue.Retry(0, errors.New("returns to ready at once"))
			}
			return nil
		})
		nodes = append(nodes, q)
		run(t, q)
	}
	const each = 300
	var adding sync.WaitGroup
	for i, q := range nodes {
		adding.Go(func() {
			for n := range each {
				err := db.TxUnordered(t.Context(), func(tx *store.Tx) error {
					return q.Enqueue(t.Context(), tx, queue.NewJob{Kind: "view", Key: "pr", Payload: n*2 + i, Coalesce: true})
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	adding.Wait()
	eventually(t, "all done", func() bool { s := states(t, db); return s["ready"]+s["running"] == 0 })
	mu.Lock()
	defer mu.Unlock()
	if newest < each*2-2 {
		t.Errorf("the newest that ran is %d", newest)
	}
}

// A worker process is known by its pools, until it stops, or for a lease after it
// was last heard of.
func TestWorkersAreKnownWhileTheyLive(t *testing.T) {
	fake := clock.NewFake(time.Unix(1_800_000_000, 0))
	here, db := newQueue(t, fake, fast())
	o := fast()
	o.Node, o.Pools, o.Renew = "eu-1", []string{"eu", "asia"}, 10*time.Millisecond
	there := queue.New(db, bell.NewLocal(), quiet, o)
	pools := func() map[string]bool { return must(here.OnlinePools(t.Context()))(t) }
	if got := pools(); len(got) != 0 {
		t.Errorf("nobody works, and %v is online", got)
	}
	run(t, here)
	stop := run(t, there)
	eventually(t, "all online", func() bool { return cmp.Equal(pools(), map[string]bool{"": true, "eu": true, "asia": true}) })
	fake.Advance(time.Hour / 2) // "here" beats rarely, and knows of itself
	eventually(t, "still online", func() bool { return cmp.Equal(pools(), map[string]bool{"": true, "eu": true, "asia": true}) })
	workers := must(here.Workers(t.Context()))(t)
	at := slicesIndex(workers, "eu-1")
	if at < 0 || !cmp.Equal(workers[at].Pools, []string{"asia", "eu"}) || !workers[at].Since.Equal(time.Unix(1_800_000_000, 0)) {
		t.Errorf("the workers are %+v", workers)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := pools(); !cmp.Equal(got, map[string]bool{"": true}) {
		t.Errorf("%v is online after the end of the other", got)
	}
	checkTheDead(t, db, here, fake)
}

// checkTheDead tells of a process that ended without a word.
func checkTheDead(t *testing.T, db *store.DB, here *queue.Queue, fake *clock.Fake) {
	t.Helper()
	now := store.Micros(fake.Now())
	if _, err := db.Exec(t.Context(), "INSERT INTO queue_workers (id, node, pools, since, seen_at) VALUES ('x', 'dead', '[\"us\"]', $1, $1)", now); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after          time.Duration
		online, listed bool
	}{{14 * time.Second, true, true}, {2 * time.Second, false, true}, {time.Hour, false, false}} {
		fake.Advance(step.after)
		online := must(here.OnlinePools(t.Context()))(t)["us"]
		listed := slicesIndex(must(here.Workers(t.Context()))(t), "dead") >= 0
		if online != step.online || listed != step.listed {
			t.Errorf("%s later: online %v, listed %v", step.after, online, listed)
		}
	}
}

func slicesIndex(workers []queue.Worker, node string) int {
	for i, w := range workers {
		if w.Node == node {
			return i
		}
	}
	return -1
}
