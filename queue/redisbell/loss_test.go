package redisbell_test

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/faultproxy"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// place is a Redis in trouble, and the way to it.
type place struct {
	server *privateserver.Redis
	proxy  *faultproxy.Proxy
	admin  *redis.Client // not through the proxy
}

// troubles are what may happen to a Redis while two nodes work. Each goes on
// until ctx ends, and leaves the server usable.
var troubles = map[string]func(ctx context.Context, t *testing.T, p place){
	"flushed in a loop": func(ctx context.Context, _ *testing.T, p place) {
		for ctx.Err() == nil {
			_ = p.admin.FlushAll(ctx).Err()
		}
	},
	"restarted without its data": func(ctx context.Context, t *testing.T, p place) {
		for every(ctx, 100*time.Millisecond) {
			if err := p.server.Restart(context.Background()); err != nil {
				t.Error(err)
			}
		}
	},
	"frozen": func(ctx context.Context, t *testing.T, p place) {
		if err := p.server.Freeze(); err != nil {
			t.Error(err)
		}
		<-ctx.Done()
		if err := p.server.Thaw(); err != nil {
			t.Error(err)
		}
	},
	"dead": func(ctx context.Context, t *testing.T, p place) {
		if err := p.server.Kill(); err != nil {
			t.Error(err)
		}
		<-ctx.Done()
		if err := p.server.Restart(context.Background()); err != nil {
			t.Error(err)
		}
	},
	"behind a network that swallows": func(ctx context.Context, _ *testing.T, p place) {
		for every(ctx, 20*time.Millisecond) {
			if !p.proxy.Armed() {
				p.proxy.Arm(&faultproxy.Cut{When: faultproxy.Hole, For: 300 * time.Millisecond, Match: func(int, []byte) bool { return true }})
			}
		}
		p.proxy.Arm(nil)
	},
	"slow": func(ctx context.Context, _ *testing.T, p place) {
		for every(ctx, 10*time.Millisecond) {
			_ = p.admin.Do(ctx, "CLIENT", "PAUSE", 400, "ALL").Err()
		}
	},
	"full": func(ctx context.Context, t *testing.T, p place) {
		do(t, p.admin, "CONFIG", "SET", "maxmemory", "1")
		<-ctx.Done()
		do(t, p.admin, "CONFIG", "SET", "maxmemory", "0")
	},
}

// Two nodes share a store and a Redis in trouble: it costs time, never a job.
func TestTheQueueLosesNothingWhateverItsRedisDoes(t *testing.T) {
	server := privateserver.OwnRedis(t)
	proxy, err := faultproxy.Start(server.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	through := with(t, server.URL(), func(u *url.URL, _ url.Values) { u.Host = proxy.Addr() })
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			p := place{server, proxy, client(t, server)}
			ctx, end := context.WithCancel(context.Background())
			var troubled sync.WaitGroup
			troubled.Go(func() { trouble(ctx, t, p) })
			t.Cleanup(func() { end(); troubled.Wait() })
			nodes, db, done := twoNodes(t, through)
			runAll(t, nodes, db, done)
			end()
			troubled.Wait()
			bell := open(t, through, quiet) // as the nodes' bells do
			ringUntilHeard(t, bell, listen(t, bell))
		})
	}
}

// twoNodes run jobs that say their id when they are done.
func twoNodes(t *testing.T, redis string) ([]*queue.Queue, *store.DB, chan string) {
	t.Helper()
	db := storetest.Open(t, clock.System)
	if err := queue.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	done := make(chan string, 1000)
	var nodes []*queue.Queue
	for range 2 {
		q := queue.New(db, open(t, redis, quiet), quiet, queue.Options{Workers: 2, Reconcile: 50 * time.Millisecond})
		q.Handle("work", func(_ context.Context, job queue.Job) error { done <- job.ID; return nil })
		run(t, q)
		nodes = append(nodes, q)
	}
	return nodes, db, done
}

// runAll enqueues jobs over a while and waits until each ran, once.
func runAll(t *testing.T, nodes []*queue.Queue, db *store.DB, done <-chan string) {
	t.Helper()
	const jobs = 100
	var took time.Duration
	for n := range jobs {
		began := time.Now()
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			return nodes[n%2].Enqueue(t.Context(), tx, queue.NewJob{Kind: "work", Key: strconv.Itoa(n % 11)})
		})
		if err != nil {
			t.Fatal(err)
		}
		took += time.Since(began)
		every(t.Context(), 5*time.Millisecond)
	}
	// Who waits for Redis waits for 2 s, each time.
	if took > jobs*time.Second {
		t.Errorf("enqueueing %d jobs took %s", jobs, took)
	}
	var seen []string
	for range jobs {
		id := next(t, done)
		if slices.Contains(seen, id) {
			t.Errorf("job %s ran twice", id)
		}
		seen = append(seen, id)
	}
}

// every waits; false when ctx is done.
func every(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
