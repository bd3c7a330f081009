package torture_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shipsql/shipsql/internal/faultproxy"
)

// quota is how many faults a round has.
type quota struct{ Cuts, Kills, Crashes int }

// result is what a round came to.
type result struct {
	Seed   uint64
	Counts counts
	Took   time.Duration
}

// round plays folders on one server until its quota of faults is used up.
type round struct {
	product product
	quota   quota
	seed    uint64
	dir     string

	server  server
	wire    *faultproxy.Proxy
	teller  teller
	history *history
	tally   tally
	pulse   pulse
	playing atomic.Pointer[game] // nil between two folders
	calm    sync.Mutex           // whoever holds it, no server crashes

	blames sync.Mutex
	blamed error // what was not as it must be, and didn't end the round
}

// blame keeps an error that fails the round when it is over.
func (g *game) blame(err error) {
	g.blames.Lock()
	defer g.blames.Unlock()
	if g.blamed == nil {
		err = g.evidence(err) // once is enough
	}
	g.blamed = errors.Join(g.blamed, err)
}

// newRound starts a round's server, which ends with the test.
func newRound(t *testing.T, p product, q quota, seed uint64) (*round, error) {
	r := &round{product: p, quota: q, seed: seed, dir: t.TempDir(), server: p.start(t), history: &history{began: time.Now()}, tally: tally{counts: counts{}}}
	r.teller = teller{product: p, dice: r.random("story")}
	u, err := url.Parse(r.server.URL("any"))
	if err != nil {
		return nil, err
	}
	r.wire, err = faultproxy.Start(u.Host)
	return r, err
}

// random is a source of its own for one purpose, from the round's seed.
func (r *round) random(purpose string) *rand.Rand {
	var hash uint64
	for _, b := range []byte(purpose) {
		hash = hash*31 + uint64(b)
	}
	return rand.New(rand.NewPCG(r.seed, hash))
}

// play plays a round to its end, or to the first thing that is not as it must be.
func (r *round) play(ctx context.Context) (result, error) {
	began := time.Now()
	ctx, fail := context.WithCancelCause(ctx)
	faults, breaking := errgroup.WithContext(ctx)
	for _, fault := range []func(context.Context) error{r.cut, r.kill, r.crash} {
		faults.Go(func() error { return fault(breaking) })
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := faults.Wait(); err != nil {
			fail(err)
		}
	}()
	err := r.folders(ctx, over)
	fail(err)
	<-over
	err = errors.Join(err, r.blamed, r.wire.Close())
	return result{r.seed, r.tally.all(), time.Since(began)}, err
}

// folders plays one folder after the other until the faults are over.
func (r *round) folders(ctx context.Context, over <-chan struct{}) error {
	for number := 1; ; number++ {
		if err := r.folder(ctx, number); err != nil {
			return err
		}
		select {
		case <-over:
			return context.Cause(ctx)
		default:
		}
	}
}

// folder plays one folder. Its problems come with all that is known.
func (r *round) folder(ctx context.Context, number int) error {
	r.calm.Lock() // the reference is made, and the databases, without crashes
	g, err := r.open(ctx, number)
	r.calm.Unlock()
	if err != nil {
		return err
	}
	if err := g.play(ctx); err != nil {
		return g.evidence(err)
	}
	r.tally.add("folders", 1)
	r.tally.add("statements", len(g.story.statements))
	return r.server.DropDatabase(ctx, g.target)
}

func (g *game) play(ctx context.Context) error {
	if err := g.run(ctx, role{Folder: folderFile(g.dir)}); err != nil {
		return err
	}
	if err := g.judge(ctx); err != nil || !g.story.wayBack {
		return err
	}
	return g.undo(ctx)
}

// evidence is an error with all that is known about it.
type evidence struct{ error }

// evidence adds the folder to an error, and leaves the history where it stays.
func (g *game) evidence(err error) error {
	if known, ok := errors.AsType[evidence](err); ok {
		return known
	}
	path := filepath.Join(stateFolder(), fmt.Sprintf("history-%s-%d.txt", g.product.name, g.seed))
	kept := errors.Join(os.MkdirAll(stateFolder(), 0o700), os.WriteFile(path, []byte(g.history.String()), 0o600))
	return evidence{errors.Join(fmt.Errorf("seed %d: %w\n%s\nthe history's end, all of it is in %s:\n%s", g.seed, err, g.story, path, g.history.tail(60)), kept)}
}

// counts are how often something happened.
type counts map[string]int

// tally are the counts of a round that goes on.
type tally struct {
	mu     sync.Mutex
	counts counts
}

func (t *tally) add(name string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[name] += n
}

func (t *tally) of(name string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[name]
}

func (t *tally) all() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
