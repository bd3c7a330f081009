package torture_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shipsql/shipsql/internal/faultproxy"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/providers/miniforge"
)

// The faults, as the summary names them.
const (
	workerKills    = "SIGKILL of a worker"
	taskKills      = "… in the middle of a task"
	webKills       = "SIGKILL of a web node"
	storeCuts      = "cut of a connection to the store"
	targetCuts     = "cut of a connection to a database"
	redisRestarts  = "restart of Redis, empty"
	redisFlushes   = "FLUSHALL"
	storeRestarts  = "crash of the store's PostgreSQL"
	targetRestarts = "crash of the databases' PostgreSQL"
	forgeStorms    = "storm of errors from the forge"
)

// faultNames are all, in the order of the summary.
var faultNames = []string{workerKills, taskKills, webKills, storeCuts, targetCuts, redisRestarts, redisFlushes, storeRestarts, targetRestarts, forgeStorms}

// counts are how often something happened.
type counts map[string]int

// faults are what breaks during a round.
type faults struct {
	*world

	quota  counts
	window time.Duration // in which they are to happen, roughly

	mu      sync.Mutex
	done    counts
	allowed float64 // the share of the kills that may have happened by now
}

func newFaults(w *world, s size) *faults {
	return &faults{world: w, quota: s.Faults, window: s.Window, done: counts{}}
}

// allow lets the kills go on up to a share of their quota, so that they are
// spread over the rollout.
func (f *faults) allow(share float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.allowed = share
}

// mayKill says whether a kill is due.
func (f *faults) mayKill() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return float64(f.done[workerKills]) < f.allowed*float64(f.quota[workerKills])
}

// breakAll makes every fault as often as its quota says.
func (f *faults) breakAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for name, do := range map[string]func(context.Context, *rand.Rand) (bool, error){
		webKills:       f.killWeb,
		storeCuts:      func(ctx context.Context, r *rand.Rand) (bool, error) { return cut(ctx, f.storeWire, r) },
		targetCuts:     func(ctx context.Context, r *rand.Rand) (bool, error) { return cut(ctx, f.targetWire, r) },
		redisRestarts:  func(ctx context.Context, _ *rand.Rand) (bool, error) { return true, f.redis.Restart(ctx) },
		redisFlushes:   func(ctx context.Context, _ *rand.Rand) (bool, error) { return flush(ctx, f.redis) },
		storeRestarts:  func(ctx context.Context, r *rand.Rand) (bool, error) { return crash(ctx, f.store, r) },
		targetRestarts: func(ctx context.Context, r *rand.Rand) (bool, error) { return crash(ctx, f.target, r) },
		forgeStorms:    f.storm,
	} {
		group.Go(func() error { return f.repeat(ctx, name, do) })
	}
	group.Go(func() error { return f.killWorkers(ctx) })
	return group.Wait()
}

// repeat makes one fault at random moments until its quota is used up.
func (f *faults) repeat(ctx context.Context, name string, do func(context.Context, *rand.Rand) (bool, error)) error {
	r := f.random(name)
	for f.count(name) < f.quota[name] {
		if !pause(ctx, time.Duration(r.Int64N(2*int64(f.window)/int64(f.quota[name])))) {
			return context.Cause(ctx)
		}
		happened, err := do(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if happened {
			f.add(name)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (f *faults) add(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done[name]++
}

func (f *faults) count(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.done[name]
}

// share is how much of the faults' quotas is done, of the slowest kind of fault.
func (f *faults) share() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	least := 1.0
	for name, n := range f.quota {
		least = min(least, float64(f.done[name])/float64(n))
	}
	return least
}

// line tells how far the faults are.
func (f *faults) line() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, name := range faultNames {
		if name == taskKills {
			all[len(all)-1] += fmt.Sprintf(" (%d in a task)", f.done[name])
		} else {
			all = append(all, fmt.Sprintf("%s %d/%d", name, f.done[name], f.quota[name]))
		}
	}
	return strings.Join(all, ", ")
}

// killWorkers kills the worker that just started a task, most of the times that
// one does; when none does for a while, whichever.
func (f *faults) killWorkers(ctx context.Context) error {
	r := f.random(workerKills)
	for f.count(workerKills) < f.quota[workerKills] {
		victim := f.workers[r.IntN(len(f.workers))]
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case s := <-f.started:
			if !f.mayKill() || time.Since(s.at) > 200*time.Millisecond || r.IntN(4) == 0 {
				continue // not yet, or too late, or it may run to its end
			}
			victim = s.node
		case <-time.After(5 * time.Second):
			if !f.mayKill() {
				continue
			}
		}
		if !pause(ctx, time.Duration(r.IntN(100))*time.Millisecond) {
			return context.Cause(ctx)
		}
		p := victim.signal(syscall.SIGKILL)
		if p == nil {
			continue // it was between two lives
		}
		f.add(workerKills)
		met, err := f.met(ctx, victim, p)
		if err != nil {
			return err
		}
		if met {
			f.add(taskKills)
		}
	}
	return nil
}

// met says whether a process died in the middle of a task: it began one whose row
// is still running.
func (f *faults) met(ctx context.Context, n *node, p *process) (met bool, err error) {
	err = f.until(ctx, "the store to answer", func() (bool, string) {
		running, err := f.list(ctx, f.store, storeName, "SELECT id FROM deploy_tasks WHERE state = 'running'")
		if err != nil {
			return false, err.Error()
		}
		for _, task := range running {
			met = met || n.began(p, task)
		}
		return true, ""
	})
	return met, err
}

// killWeb kills a web node, and lets the forge talk to the other one.
func (f *faults) killWeb(_ context.Context, r *rand.Rand) (bool, error) {
	i := r.IntN(len(f.webs))
	p := f.webs[i].signal(syscall.SIGKILL)
	if r.IntN(2) == 0 {
		f.forge.SetWebhookURL(f.webhooks(1 - i))
	}
	return p != nil, nil
}

// cut breaks one connection at the nth chunk from now, half of the times at a
// COMMIT.
func cut(ctx context.Context, wire *faultproxy.Proxy, r *rand.Rand) (bool, error) {
	n, atCommit := 1+r.IntN(20), r.IntN(2) == 0
	wire.Arm(&faultproxy.Cut{
		When: faultproxy.When(r.IntN(4)), For: time.Duration(r.IntN(4000)) * time.Millisecond,
		Match: func(chunk int, text []byte) bool {
			return chunk >= n && (!atCommit || bytes.Contains(bytes.ToUpper(text[:min(len(text), 200)]), []byte("COMMIT")))
		},
	})
	for wire.Armed() {
		if !pause(ctx, 50*time.Millisecond) {
			return false, context.Cause(ctx)
		}
	}
	return true, nil
}

// crash kills a server with everybody's sessions and starts it again, at once or
// a little later.
func crash(ctx context.Context, server *privateserver.Postgres, r *rand.Rand) (bool, error) {
	if err := server.Kill(); err != nil {
		return false, err
	}
	pause(ctx, time.Duration(r.IntN(2000))*time.Millisecond)
	return true, server.Restart(context.WithoutCancel(ctx))
}

// flush makes Redis forget everything.
func flush(ctx context.Context, server *privateserver.Redis) (bool, error) {
	u, err := url.Parse(server.URL())
	if err != nil {
		return false, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return false, nil // it is being restarted
	}
	defer conn.Close()
	fmt.Fprintf(conn, "AUTH %s\r\nFLUSHALL\r\nQUIT\r\n", passwordOf(server.URL()))
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(conn); err != nil || strings.Count(answer.String(), "+OK") < 2 {
		return false, nil // likewise
	}
	return true, nil
}

// storms are what a forge does to requests on its bad days.
var storms = []miniforge.Fault{
	{Status: http.StatusBadGateway},
	{Status: http.StatusInternalServerError},
	{Status: http.StatusServiceUnavailable, AfterWrite: true},
	{Status: http.StatusForbidden, Headers: map[string]string{"Retry-After": "1"}, Body: `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`},
	{Status: http.StatusTooManyRequests, Headers: map[string]string{"Retry-After": "1"}},
	{Status: http.StatusUnauthorized, Body: `{"message":"Bad credentials"}`},
	{},                 // cut
	{AfterWrite: true}, // cut once it took effect
	{Slow: true, Delay: 300 * time.Millisecond},
}

// storm lets every second request meet one of three troubles for some seconds.
func (f *faults) storm(ctx context.Context, r *rand.Rand) (bool, error) {
	var calm []func()
	for range 3 {
		trouble, dice := storms[r.IntN(len(storms))], rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		var mu sync.Mutex
		calm = append(calm, f.forge.Fail(miniforge.Match{If: func(*http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			return dice.IntN(5) == 0
		}}, trouble))
	}
	pause(ctx, time.Second+time.Duration(r.IntN(2000))*time.Millisecond)
	for _, end := range calm {
		end()
	}
	return true, nil
}
