package runner_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
)

// session runs one file, which is a function, and can be looked at.
type session struct {
	runner.Session // the rest is not used here

	run     executor.Run
	file    func(run executor.Run, work context.Context) error
	observe func(ctx context.Context) (runner.Observer, error)
	open    atomic.Int32 // observers
	most    atomic.Int32
}

func (*session) Ledger(context.Context, string) (ledger.Ledger, error) { return nil, nil }
func (s *session) Compile(context.Context, []ledger.Decision) ([]runner.File, error) {
	return []runner.File{file{s}}, nil
}
func (*session) Close(context.Context) {}

func (s *session) Observe(ctx context.Context) (runner.Observer, error) { return s.observe(ctx) }

// observer counts itself.
type observer struct {
	*session

	look func(ctx context.Context) (runner.Sight, error)
}

func (s *session) observer(look func(context.Context) (runner.Sight, error)) runner.Observer {
	s.most.Store(max(s.most.Load(), s.open.Add(1)))
	return observer{s, look}
}

func (o observer) Look(ctx context.Context) (runner.Sight, error) { return o.look(ctx) }
func (o observer) Close()                                         { o.open.Add(-1) }

type file struct{ *session }

func (f file) Run(_, work context.Context) error { return f.file(f.run, work) }
func (file) Decision() *ledger.Decision {
	return &ledger.Decision{Verdict: ledger.Apply, Migration: executor.Migration{Version: "1"}}
}
func (file) Total() int      { return 3 }
func (file) Notes() []string { return nil }

// apply runs the session's file and returns the events.
func (s *session) apply(t *testing.T, run executor.Run, told func(executor.Event)) ([]executor.Event, error) {
	t.Helper()
	var events []executor.Event
	run.Migrations = []executor.Migration{{Version: "1"}}
	run.Progress = func(e executor.Event) {
		events = append(events, e) // one at a time, says the contract: -race finds it broken
		told(e)
	}
	_, err := runner.Apply(t.Context(), run, func(_ context.Context, run executor.Run) (runner.Session, error) {
		s.run = run
		return s, nil
	})
	if n := s.open.Load(); n != 0 {
		t.Errorf("%d observers are left", n)
	}
	return events, err
}

func event(n int, state executor.EventState) executor.Event {
	return executor.Event{Version: "1", Statement: n, State: state}
}

func TestOnlyLongStatementsAreLookedAt(t *testing.T) {
	s := &session{}
	seen := make(chan struct{})
	looks := 0
	s.observe = func(context.Context) (runner.Observer, error) {
		return s.observer(func(context.Context) (runner.Sight, error) {
			looks++
			return runner.Sight{Phase: "copying\x1b[31m", Done: int64(looks / 2), Of: 2, Unit: "blocks", Waits: "waits for x\n"}, nil
		}), nil
	}
	s.file = func(run executor.Run, _ context.Context) error {
		for n := range 3 {
			run.Progress(event(n+1, executor.EventRunning))
			if n == 1 {
				<-seen
			}
			run.Progress(event(n+1, executor.EventDone))
		}
		return nil
	}
	events, err := s.apply(t, executor.Run{}, func(e executor.Event) {
		if e.State == executor.EventProgress && e.Done == 1 {
			close(seen)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	sight := func(done int64) executor.Event {
		e := event(2, executor.EventProgress)
		e.Phase, e.Done, e.Of, e.Unit, e.Detail = "copying?[31m", done, 2, "blocks", "waits for x?"
		return e
	}
	want := []executor.Event{
		event(1, executor.EventRunning), event(1, executor.EventDone),
		event(2, executor.EventRunning), sight(0), sight(1), event(2, executor.EventDone),
		event(3, executor.EventRunning), event(3, executor.EventDone),
		{Version: "1", Total: 3, State: executor.EventApplied},
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Error(diff)
	}
}

// Three statements take long, and the server never answers whoever looks at them.
func TestAServerThatHangsDelaysNobody(t *testing.T) {
	looking := make(chan struct{}, 3)
	hang := func(ctx context.Context) error {
		looking <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	s := &session{}
	for name, observe := range map[string]func(ctx context.Context) (runner.Observer, error){
		"at the connection": func(ctx context.Context) (runner.Observer, error) { return nil, hang(ctx) },
		"at the look": func(context.Context) (runner.Observer, error) {
			return s.observer(func(ctx context.Context) (runner.Sight, error) { return runner.Sight{}, hang(ctx) }), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.observe = observe
			s.file = func(run executor.Run, _ context.Context) error {
				for n := range 3 {
					run.Progress(event(n+1, executor.EventRunning))
					<-looking
					run.Progress(event(n+1, executor.EventDone))
				}
				return nil
			}
			started := time.Now()
			events, err := s.apply(t, executor.Run{}, func(executor.Event) {})
			if err != nil || len(events) != 7 {
				t.Errorf("%v, %+v", err, events)
			}
			if took := time.Since(started); took > 30*time.Second { // not three times what a look may take
				t.Errorf("took %s", took)
			}
			if most := s.most.Load(); most > 1 {
				t.Errorf("%d observers at once", most)
			}
		})
	}
}

func TestAnObserverThatFailsIsAskedNoMore(t *testing.T) {
	s := &session{}
	seen := make(chan struct{}, 1)
	s.observe = func(context.Context) (runner.Observer, error) {
		return s.observer(func(context.Context) (runner.Sight, error) { return runner.Sight{}, errors.New("permission denied") }), nil
	}
	s.file = func(run executor.Run, _ context.Context) error {
		run.Progress(event(1, executor.EventRunning))
		<-seen
		return nil
	}
	events, err := s.apply(t, executor.Run{}, func(e executor.Event) {
		if e.State == executor.EventProgress {
			seen <- struct{}{}
		}
	})
	want := []executor.Event{event(1, executor.EventRunning), event(1, executor.EventProgress), {Version: "1", Total: 3, State: executor.EventApplied}}
	if diff := cmp.Diff(want, events); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestCancelEndsTheWorkAtOnce(t *testing.T) {
	for name, limits := range map[string]executor.Limits{"no end of grace": {}, "long grace": {Grace: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			cancel := make(chan struct{})
			s := &session{file: func(_ executor.Run, work context.Context) error {
				close(cancel)
				<-work.Done()
				return runner.Interrupted(work)
			}}
			_, err := s.apply(t, executor.Run{Limits: limits, Cancel: cancel}, func(executor.Event) {})
			if !errors.Is(err, executor.ErrCancelled) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Whoever gave up waiting because of the cancel says so; a refusal stays one.
func TestWhatACancelledRunReports(t *testing.T) {
	refused := &executor.Failure{Code: "sql_error", Message: "division by zero"}
	for name, c := range map[string]struct {
		err       error
		cancelled bool
	}{
		"gave up waiting": {&executor.Failure{Code: "lock_timeout", Message: "lock not available"}, true},
		"lost connection": {&executor.Failure{Code: "unreachable", Message: "the connection broke"}, true},
		"a refusal":       {refused, false},
		"ambiguous":       {&executor.AmbiguousError{Version: "1", Statement: 1}, false},
		"done":            {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			cancel := make(chan struct{})
			s := &session{file: func(_ executor.Run, work context.Context) error {
				close(cancel)
				<-work.Done()
				return c.err
			}}
			_, err := s.apply(t, executor.Run{Cancel: cancel}, func(executor.Event) {})
			if errors.Is(err, executor.ErrCancelled) != c.cancelled || !errors.Is(err, c.err) && c.err != nil {
				t.Errorf("error %v", err)
			}
		})
	}
}
