package runner

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/shipsql/shipsql/executor"
)

const (
	lookAfter  = time.Second     // a statement that is done before is not looked at
	lookEvery  = time.Second     // how often one that isn't
	lookWithin = 5 * time.Second // for one look
)

// Observed is a Session whose running statement can be looked at from beside.
type Observed interface {
	// Observe connects once more, as the same login. It is called while the
	// session is busy, so it must not use its connection. A server that shows
	// nothing is an error, after which nothing is shown.
	Observe(ctx context.Context) (Observer, error)
}

// Observer looks at what one session is doing. It is used by one goroutine.
type Observer interface {
	// Look returns the zero Sight while there is nothing to tell.
	Look(ctx context.Context) (Sight, error)
	Close()
}

// Sight is how far a statement is, as far as the server tells; see executor.Event.
type Sight struct {
	Phase    string
	Done, Of int64
	Unit     string
	Waits    string // whose lock it waits for, "" when it doesn't
}

// watch passes a run's events on, one at a time, and adds those of a statement
// that takes long: it is looked at every second, through one more connection
// that is closed with it. Whatever goes wrong with that is nobody's business: the
// run knows nothing of it.
type watch struct {
	progress func(executor.Event)

	mu      sync.Mutex // one event at a time; guards session and rest
	session Session    // nil: none is open
	rest    func()     // ends the looking at the statement under way
	looking sync.Mutex // held by the one who looks
}

func newWatch(progress func(executor.Event)) *watch {
	return &watch{progress: progress, rest: func() {}}
}

// use says which session the next statements run on; nil: none.
func (w *watch) use(s Session) {
	w.mu.Lock()
	w.rest()
	w.session = s
	w.mu.Unlock()
	if s == nil {
		w.wait()
	}
}

// wait returns when nobody looks any more.
func (w *watch) wait() {
	w.looking.Lock()
	defer w.looking.Unlock()
}

// event passes an event on. Each ends the looking at the statement before.
func (w *watch) event(e executor.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest()
	w.rest = func() {}
	w.progress(e)
	if s, ok := w.session.(Observed); ok && e.State == executor.EventRunning {
		w.begin(s, e)
	}
}

// begin has the statement looked at when it takes long.
func (w *watch) begin(s Observed, e executor.Event) {
	ctx, cancel := context.WithCancel(context.Background())
	timer := time.AfterFunc(lookAfter, func() { w.follow(ctx, s, e) })
	w.rest = func() {
		timer.Stop()
		cancel()
	}
}

// follow looks until the statement is over, and tells what changed. That it takes
// long is told even when the server doesn't say more.
func (w *watch) follow(ctx context.Context, s Observed, e executor.Event) {
	w.looking.Lock()
	defer w.looking.Unlock()
	if ctx.Err() != nil {
		return
	}
	e.State = executor.EventProgress
	observer := observe(ctx, s)
	defer func() { observer.close() }()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for before := (Sight{Done: -1}); ctx.Err() == nil; {
		if now := observer.look(ctx); now != before {
			before = now
			w.tell(ctx, e, now)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// tell passes a sight on, unless the statement is over.
func (w *watch) tell(ctx context.Context, e executor.Event, s Sight) {
	e.Phase, e.Done, e.Of, e.Unit, e.Detail = printable(s.Phase), s.Done, s.Of, s.Unit, printable(s.Waits)
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() == nil {
		w.progress(e)
	}
}

// patient is an Observer that goes blind at the first error.
type patient struct{ Observer }

func observe(ctx context.Context, s Observed) *patient {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	o, err := s.Observe(ctx)
	if err != nil {
		return &patient{}
	}
	return &patient{o}
}

func (p *patient) look(ctx context.Context) Sight {
	if p.Observer == nil {
		return Sight{}
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	s, err := p.Look(ctx)
	if err != nil {
		p.close()
		return Sight{}
	}
	return s
}

func (p *patient) close() {
	if p.Observer != nil {
		p.Close()
		p.Observer = nil
	}
}

// maxPrinted bounds what others' names, which any client may choose, add to an
// event, in characters.
const maxPrinted = 200

// printable makes text of others fit for a terminal and a log.
func printable(text string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		switch n++; {
		case n > maxPrinted:
			return -1
		case !unicode.IsGraphic(r):
			return '?'
		}
		return r
	}, text)
}
