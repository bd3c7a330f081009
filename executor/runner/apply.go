package runner

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/internal/fault"
)

const (
	maxSessions = 4                // of one Apply; each but the first because a connection broke
	reconnect   = 30 * time.Second // how long a broken connection is tried again
)

// Apply does what executor.Target's Apply promises, on the sessions that open
// gives it.
func Apply(ctx context.Context, run executor.Run, open Open) (executor.Result, error) {
	return carryOut(ctx, run, open, ledger.Decide)
}

// Undo does what executor.Target's Undo promises, likewise.
func Undo(ctx context.Context, run executor.Run, open Open) (executor.Result, error) {
	run.Skip, run.Accept = nil, nil
	return carryOut(ctx, run, open, ledger.DecideUndo)
}

type decide func(ledger.Facts) ([]ledger.Decision, error)

func carryOut(ctx context.Context, run executor.Run, open Open, how decide) (executor.Result, error) {
	run.Limits = run.Limits.WithDefaults()
	ctx, stop := cancelledBy(ctx, run.Cancel)
	defer stop()
	a := &applier{open: open, decide: how, run: run, reported: make(map[string]bool, len(run.Migrations))}
	a.result.Outcomes = make([]executor.Outcome, 0, len(run.Migrations))
	if run.Progress != nil {
		a.watch = newWatch(run.Progress)
		a.run.Progress = a.watch.event
	}
	err := a.sessions(ctx)
	return a.result, orCancelled(run.Cancel, err)
}

// sessions does the run on as many connections as it takes.
func (a *applier) sessions(ctx context.Context) error {
	for n := 1; ; n++ {
		err := a.session(ctx)
		var lost *Lost
		switch {
		case !errors.As(err, &lost):
			return err
		case n == maxSessions || ctx.Err() != nil:
			return lost.Err
		}
		if lost.Final {
			a.cut = lost.Err
		}
		Progress(a.run, executor.Event{Version: a.inDoubt.Version, State: executor.EventRetrying, Detail: "the connection broke: " + lost.Error()})
		a.until = time.Now().Add(reconnect)
	}
}

// applier is one Apply call, over all the sessions it takes.
type applier struct {
	open     Open
	decide   decide
	run      executor.Run
	watch    *watch // nil when nobody follows the run
	result   executor.Result
	reported map[string]bool  // by ledger.Key: in the result already
	inDoubt  executor.Outcome // of the migration whose last transaction was about to commit
	cut      error            // the run ends with it, unless that COMMIT went through; nil: it goes on
	until    time.Time        // an unreachable database is tried again until then
}

// session does what is left to do on one connection.
func (a *applier) session(ctx context.Context) error {
	s, err := a.opened(ctx)
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	if a.watch != nil {
		a.watch.use(s)
		defer a.watch.use(nil)
	}
	files, err := a.plan(ctx, s)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := StillMine(ctx, a.run); err != nil {
			return err
		}
		if err := a.migrate(ctx, s, f); err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) opened(ctx context.Context) (Session, error) {
	for attempt := 0; ; attempt++ {
		s, err := a.open(ctx, a.run)
		switch {
		case fault.CodeOf(err) != fault.Unreachable:
			return s, err
		case time.Now().After(a.until):
			return nil, cmp.Or(a.cut, err)
		}
		if err := Pause(ctx, attempt, time.Second); err != nil {
			return nil, err
		}
	}
}

// plan reads the ledger and says what is to run. A stop comes before anything
// ran.
func (a *applier) plan(ctx context.Context, s Session) ([]File, error) {
	l, err := a.resolved(ctx, s)
	if err != nil {
		return nil, err
	}
	f := ledger.Facts{Run: a.run, Ledger: l}
	if len(l) == 0 && (a.run.Folder != nil || slices.ContainsFunc(a.run.Migrations, isBaseline)) {
		if f.Empty, err = s.Empty(ctx); err != nil {
			return nil, err
		}
	}
	decisions, err := a.decide(f)
	if err != nil {
		return nil, err
	}
	return s.Compile(ctx, decisions)
}

func isBaseline(m executor.Migration) bool { return m.Kind == executor.Baseline }

// resolved reads the ledger after it took the run's answers to ambiguous steps.
// An answer that was taken by an earlier run is no longer asked for.
func (a *applier) resolved(ctx context.Context, s Session) (ledger.Ledger, error) {
	l, err := s.Ledger(ctx, a.run.History)
	if err != nil || len(a.run.Resolve) == 0 {
		return l, err
	}
	for _, r := range a.run.Resolve {
		if !l.Asks(r) {
			continue
		}
		if err := s.Resolve(ctx, l, r, executor.Mark{History: a.run.History, Actor: a.run.Actor}); err != nil {
			return nil, err
		}
	}
	return s.Ledger(ctx, a.run.History)
}

// migrate carries one decision out.
func (a *applier) migrate(ctx context.Context, s Session, f File) error {
	d := f.Decision()
	out := executor.Outcome{Version: d.Migration.Version, Path: d.Migration.Path, Kind: outcomes[d.Verdict]}
	switch d.Verdict {
	case ledger.Have, ledger.UndoneBefore:
		if a.inDoubt.Version == d.Migration.Version { // its COMMIT went through
			out, a.cut = a.inDoubt, nil
		}
	case ledger.Accept:
		if err := s.AddNote(ctx, d.Row, d.Note); err != nil {
			return err
		}
		out.Notes = []string{d.Note}
	case ledger.Skip:
		mark, _ := ledger.Lookup(a.run.Skip, d.Migration.Version)
		m := d.Migration
		if d.Replaces != nil {
			m.Version = d.Replaces.Version
		}
		mark.History, mark.Migrations = a.run.History, []executor.Migration{m}
		if err := s.Mark(ctx, mark, ledger.Skipped, d.Note); err != nil {
			return err
		}
	case ledger.Apply, ledger.Undo:
		if a.cut != nil {
			return a.cut
		}
		started := time.Now()
		out.Statements = f.Total()
		a.inDoubt = out
		if err := a.file(ctx, f); err != nil {
			return err
		}
		out.Duration, out.Notes = time.Since(started), f.Notes()
	case ledger.Gone, ledger.Leave:
	}
	a.report(f, out)
	return nil
}

// outcomes says what becomes of a migration by its verdict.
var outcomes = map[ledger.Verdict]executor.OutcomeKind{
	ledger.Apply: executor.Applied, ledger.Have: executor.AlreadyApplied, ledger.Accept: executor.AlreadyApplied,
	ledger.Skip: executor.Skipped, ledger.Gone: executor.Skipped, ledger.Leave: executor.Skipped,
	ledger.Undo: executor.Undone, ledger.UndoneBefore: executor.AlreadyUndone,
}

func (a *applier) file(ctx context.Context, f File) error {
	work, stop := graceful(ctx, a.run)
	defer stop()
	return f.Run(ctx, work)
}

// report adds an outcome, once over all sessions.
func (a *applier) report(f File, out executor.Outcome) {
	key := ledger.Key(ledger.Kind(f.Decision().Migration), out.Version)
	if a.reported[key] {
		return
	}
	a.reported[key] = true
	a.result.Outcomes = append(a.result.Outcomes, out)
	state := map[executor.OutcomeKind]executor.EventState{
		executor.Applied: executor.EventApplied, executor.Skipped: executor.EventSkipped, executor.Undone: executor.EventUndone,
	}[out.Kind]
	if state != "" && f.Decision().Verdict != ledger.Gone && f.Decision().Verdict != ledger.Leave {
		Progress(a.run, executor.Event{Version: out.Version, Path: out.Path, Total: f.Total(), State: state})
	}
}
