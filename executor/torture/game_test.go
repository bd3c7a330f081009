package torture_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/faultproxy"
)

// patience is how long one folder may take, faults included.
const patience = 4 * time.Minute

// undoEvery is how many folders there are for each with a way back.
const undoEvery = 4

// workers race for every folder.
const workers = 3

// game is one folder being applied while things break.
type game struct {
	*round

	story     *story
	reference reference
	target    string // the database's name
	dir       string
	undoing   atomic.Bool // the workers take the folder back

	starting sync.RWMutex // held for writing, no worker starts
	mu       sync.Mutex
	lives    map[string]*life
}

// open makes the databases of a folder and the folder itself.
func (r *round) open(ctx context.Context, number int) (*game, error) {
	target := fmt.Sprintf("torture_t%d", number)
	g := &game{round: r, target: target, lives: map[string]*life{}}
	if number%undoEvery == 0 {
		g.story = r.teller.thereAndBack()
	} else {
		g.story = r.teller.next(target)
	}
	reference := plain{product: r.product, name: fmt.Sprintf("torture_r%d", number)}
	reference.url = r.server.URL(reference.name)
	for _, name := range []string{reference.name, g.target} {
		if err := r.server.CreateDatabase(ctx, name); err != nil {
			return nil, err
		}
	}
	var err error
	if g.reference, err = reference.refer(ctx, g.story); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, g.story)
	}
	if err := r.server.DropDatabase(ctx, reference.name); err != nil {
		return nil, err
	}
	if g.dir, err = os.MkdirTemp(r.dir, "folder-"); err != nil {
		return nil, err
	}
	r.history.note("folder %d: %d files, %d statements", number, len(g.story.files), len(g.story.statements))
	return g, writeJSON(folderFile(g.dir), g.story.migrations())
}

// run lets the workers race until all of them have nothing left to do.
func (g *game) run(ctx context.Context, r role) error {
	ctx, stop := context.WithTimeoutCause(ctx, patience, fmt.Errorf("the folder isn't applied after %s", patience))
	defer stop()
	r.Product, r.URL = g.product.name, g.through(g.wire)
	group, ctx := errgroup.WithContext(ctx)
	for n := range workers {
		group.Go(func() error { return g.keep(ctx, fmt.Sprintf("worker %d", n+1), r) })
	}
	g.playing.Store(g)
	defer g.playing.Store(nil)
	return group.Wait()
}

// keep starts a worker again and again until it has nothing left to do.
func (g *game) keep(ctx context.Context, name string, r role) error {
	for ctx.Err() == nil {
		l, err := g.begin(name, r)
		if err != nil {
			return err
		}
		select {
		case <-l.ended:
		case <-ctx.Done():
			l.kill()
			<-l.ended
			return context.Cause(ctx)
		}
		switch code, killed := l.exit(); {
		case killed:
		case code == exitDone:
			return nil
		case code == exitAmbiguous && l.last.Ambiguous != nil:
			if err := g.answer(ctx, l.last.Ambiguous); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s ended with %d: %s %s", name, code, l.last.Code, l.last.Error)
		}
	}
	return context.Cause(ctx)
}

func (g *game) begin(name string, r role) (*life, error) {
	g.starting.RLock()
	defer g.starting.RUnlock()
	l, err := begin(name, r, g.heard)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lives[name] = l
	return l, nil
}

// heard takes note of what a worker says.
func (g *game) heard(l *life, w word) {
	g.history.heard(l.worker, w)
	if w.Event == nil || w.Event.Statement == 0 {
		return
	}
	at, ok := g.story.at(w.Event.Version, w.Event.Statement)
	g.pulse.beat(l, ok && w.Event.State == executor.EventRunning && g.story.statements[at].delicate())
}

// through is the target's URL by way of the proxy.
func (g *game) through(wire *faultproxy.Proxy) string {
	u, err := url.Parse(g.server.URL(g.target))
	if err != nil {
		panic(err) // our own server's
	}
	u.Host = wire.Addr()
	return u.String()
}

// pulse counts the steps that workers make.
type pulse struct {
	mu   sync.Mutex
	n    int
	last *life // who made the last one
	hurt bool  // it was the beginning of a delicate statement
	next chan struct{}
}

func (p *pulse) beat(l *life, delicate bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	p.last, p.hurt = l, delicate
	if p.next != nil {
		close(p.next)
		p.next = nil
	}
}

// await returns after so many more steps, with the process that made the last.
// Asked for a delicate statement, it lets some more go by until one begins.
func (p *pulse) await(ctx context.Context, steps int, delicate bool) (*life, error) {
	const some = 60
	p.mu.Lock()
	until := p.n + steps
	for p.n < until || delicate && !p.hurt && p.n < until+some {
		if p.next == nil {
			p.next = make(chan struct{})
		}
		next := p.next
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-next:
		}
		p.mu.Lock()
	}
	defer p.mu.Unlock()
	return p.last, nil
}

// history is what happened in a round, for the case that something goes wrong.
type history struct {
	began time.Time

	mu    sync.Mutex
	lines []string
}

func (h *history) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, fmt.Sprintf("%9.3f ", time.Since(h.began).Seconds())+fmt.Sprintf(format, args...))
}

func (h *history) heard(who string, w word) {
	switch e := w.Event; {
	case e != nil:
		h.note("%s: %s#%d %s %s", who, e.Version, e.Statement, e.State, e.Detail)
	case w.Result != nil:
		h.note("%s: %d outcomes, %s %s", who, len(w.Result.Outcomes), w.Code, w.Error)
	default:
		h.note("%s: %s", who, w.Error)
	}
}

// tail is the end of it.
func (h *history) tail(lines int) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.lines[max(0, len(h.lines)-lines):], "\n")
}

// String is all of it.
func (h *history) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.lines, "\n")
}
